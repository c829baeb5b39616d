// Whether allocations have failed since the last look, by the counts of a family of processes that share one file.
// Reading the files is heap/'s; what is shipped then is black-box.ts's.
import type { DeadRing } from "../heap/ring-folder.ts";
import type { ProcessIdentity } from "../watch/identify.ts";

export interface FailureCount {
  readonly identity: ProcessIdentity;
  /** Of the file that the count is from, as maps name it: watch/families.ts. */
  readonly family: string;
  readonly fileName: string;
  readonly count: number;
}

export interface FailureWatch {
  hasRisen(count: FailureCount): boolean;
  /** Who told last of a file whose processes have all ended, if allocations failed after that; else null. */
  lastWord(dead: DeadRing): { readonly identity: ProcessIdentity; readonly failedAtMs: number | null } | null;
}

/** Families beyond it push out the one heard of longest ago: whoever makes so many files must not fill our memory. */
const FAMILIES_MAX = 4_096;

export function createFailureWatch(startedMs: number): FailureWatch {
  const last = new Map<string, FailureCount>();
  return {
    hasRisen(now) {
      const before = last.get(now.family);
      // Of a program older than our watch nobody knows when its allocations failed.
      const known = before?.count ?? (now.identity.process_started_at >= startedMs ? 0 : now.count);
      last.delete(now.family);
      last.set(now.family, now);
      const [oldest] = last.keys();
      if (oldest !== undefined && last.size > FAMILIES_MAX) last.delete(oldest);
      return now.count > known;
    },
    lastWord(dead) {
      if (dead.kind !== "failures") return null;
      for (const [family, { fileName, identity, count }] of last) {
        if (fileName !== dead.name) continue;
        last.delete(family);
        const { failure_count, failedAtMs } = dead.failures;
        return failure_count > count ? { identity, failedAtMs } : null;
      }
      return null;
    },
  };
}
