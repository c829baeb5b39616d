// Whether a process that died was killed by the kernel for want of memory: by the counters of its control group, else of the host.
// Which processes died is black-box.ts's. Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst, Linux 4.13 and later.
import { posix } from "node:path";
import type { Cgroup } from "../proc/cgroup.ts";
import { readKernelFile } from "../proc/read.ts";

export interface Death {
  readonly rssBytes: number;
  /** Files that count the kills of its control groups, the innermost first; memoryCounters. */
  readonly counters: readonly string[];
}

export interface OomWatch {
  /** From now on a rise of these files is evidence. */
  learn(counters: readonly string[]): void;
  /** For each death found since the last look whether it was such a kill. Called once a tick, after the processes were looked at. */
  judge(deaths: readonly Death[], upMs: number): readonly boolean[];
  /** Only these are still asked for: control groups come and go. */
  keep(counters: Iterable<string>): void;
}

/** A victim is counted when it is chosen; it has to give back all its memory before it is gone. Later deaths are others'. */
const CLAIM_MS = 30_000;

interface Counter {
  count: number;
  /** Kills that no death was found for yet. */
  unclaimed: number;
}

/** `readText`: null when there is no such file. `hostCounter` rises with every kill of the host, whatever its group. */
export function createOomWatch(readText: (path: string) => string | null = readOrNull, hostCounter = "/proc/vmstat"): OomWatch {
  const counters = new Map<string, Counter>();
  const host: Counter = { count: killsIn(readText(hostCounter)) ?? 0, unclaimed: 0 };
  let forgetMs = Number.POSITIVE_INFINITY;

  /** How many kills it has counted since the last look; null when it cannot tell any more. */
  function rise(path: string, counter: Counter): number | null {
    const count = killsIn(readText(path));
    if (count === null) return null;
    const more = Math.max(0, count - counter.count);
    counter.count = count;
    counter.unclaimed += more;
    return more;
  }

  function forgetOld(upMs: number): void {
    if (upMs < forgetMs) return;
    for (const counter of [host, ...counters.values()]) counter.unclaimed = 0;
    forgetMs = Number.POSITIVE_INFINITY;
  }

  /** Place of the innermost of its groups that still counts; -1 where none can tell. */
  const tellerOf = (death: Death): number => death.counters.findIndex((path) => counters.has(path) && readText(path) !== null);

  /** Takes one kill from the teller, all above it, and the host; whether there was one. */
  function claim(death: Death, teller: number): boolean {
    const above = death.counters.slice(teller).flatMap((path) => counters.get(path) ?? []);
    if (above[0] === undefined || above[0].unclaimed === 0) return false;
    for (const counter of [host, ...above]) counter.unclaimed = Math.max(0, counter.unclaimed - 1);
    return true;
  }

  return {
    learn(paths) {
      for (const path of paths) {
        if (counters.has(path)) continue;
        const count = killsIn(readText(path));
        if (count !== null) counters.set(path, { count, unclaimed: 0 });
      }
    },
    judge(deaths, upMs) {
      forgetOld(upMs);
      // While this one stands still, so do all the others: no file of a group is read in vain.
      if ((rise(hostCounter, host) ?? 0) > 0) {
        for (const [path, counter] of counters) rise(path, counter);
        forgetMs = upMs + CLAIM_MS;
      }
      const verdicts = deaths.map(() => false);
      if (host.unclaimed === 0) return verdicts;
      const told = deaths.map((death, index) => ({ death, index, teller: tellerOf(death) }));
      // Whose own group counts takes its kill before those that only a group above can tell of; and of several that died in
      // one group the kernel will have chosen the largest.
      told.sort((one, other) => one.teller - other.teller || other.death.rssBytes - one.death.rssBytes);
      const untold = told.filter(({ teller }) => teller === -1);
      for (const { death, index, teller } of told) if (teller !== -1) verdicts[index] = claim(death, teller);
      // The group went with its last process, or was never seen: the host's count is evidence where it can mean only one.
      const [only] = untold;
      if (only !== undefined && untold.length === 1 && host.unclaimed > 0) {
        verdicts[only.index] = true;
        host.unclaimed--;
      }
      return verdicts;
    },
    keep(paths) {
      const wanted = new Set(paths);
      for (const path of counters.keys()) if (!wanted.has(path)) counters.delete(path);
    },
  };
}

/** Kubernetes nests six deep; whoever may make groups may nest as deep as a path is long. The uppermost are left out. */
const LEVELS_MAX = 32;

/**
 * Files that count the kills of a process, the innermost group's first. A v1 group counts its own alone, a v2 group those of all
 * below it too, which is what is left to ask when the innermost was removed with its process.
 */
export function memoryCounters({ v1MemoryPath, unifiedPath }: Cgroup, root = "/sys/fs/cgroup"): readonly string[] {
  if (v1MemoryPath !== null)
    return isWithin(v1MemoryPath) ? [posix.join(root, "memory", v1MemoryPath, "memory.oom_control")] : [];
  const files: string[] = [];
  let path = unifiedPath !== null && isWithin(unifiedPath) ? unifiedPath : "/";
  for (; path !== "/" && files.length < LEVELS_MAX; path = posix.dirname(path)) {
    files.push(posix.join(root, path, "memory.events"));
  }
  return files;
}

/** A path that leaves the tree (a process outside our cgroup namespace) is not ours to follow. */
const isWithin = (path: string): boolean => posix.normalize(path) === path && !path.startsWith("/..");

/** The same line in /proc/vmstat, memory.events and memory.oom_control; null where there is none. */
const killsIn = (text: string | null): number | null => {
  const count = text === null ? undefined : /^oom_kill (\d{1,15})$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
};

function readOrNull(path: string): string | null {
  const text = readKernelFile(path);
  return text.ok ? text.value : null;
}
