// Who was kept by an earlier collector of this boot, from what it left in the ring.
// Whether they live is black-box.ts's to ask.
import type { BlockVisitor, Named, ProcessId } from "./blocks.ts";

export interface Earlier {
  readonly named: Named;
  /** Time and resident size of the last look at it. */
  readonly lastMs: number;
  readonly rssBytes: number;
}

/** Shows the ring to `visit`. Left out are those whose rows were shipped, and those whose name is damaged wherever it stood. */
export function keptEarlier(visit: (visitor: BlockVisitor) => void): readonly Earlier[] {
  const names = new Map<string, Named>();
  const last = new Map<string, { readonly lastMs: number; readonly rssBytes: number }>();
  const settled = new Set<string>();
  visit({
    looks(looks) {
      for (let place = 0; place < looks.count; place++) {
        const entry = looks.entryAt(place);
        last.set(keyOf(entry), { lastMs: looks.upMs, rssBytes: entry.rss_bytes });
      }
    },
    names(found) {
      // The last one counts: a process may take another name.
      for (const named of found) names.set(keyOf(named), named);
    },
    shipped(processes) {
      for (const process of processes) settled.add(keyOf(process));
    },
  });
  return Array.from(last, ([key, look]) => ({ key, look, named: names.get(key) })).flatMap(({ key, look, named }) =>
    named === undefined || settled.has(key) ? [] : [{ named, ...look }],
  );
}

const keyOf = ({ pid, startTicks }: ProcessId): string => `${pid} ${startTicks}`;
