// Writes the looks of one tick to the ring, in one piece, with the names that its segment does not have yet.
// Whose looks they are is black-box.ts's.
import { type Entry, looksBlocks, type Moment, type Named, namesBlocks } from "./blocks.ts";
import type { Ring } from "./ring.ts";

export interface TickWriter {
  add(entry: Entry, named: Named): void;
  /** All that was added since the last call was seen at this moment. */
  write(moment: Moment): void;
}

export function createTickWriter(ring: Ring): TickWriter {
  /** By pid, as the segment in use has them. */
  const known = new Map<number, Named>();
  let looks: { readonly entry: Entry; readonly named: Named }[] = [];

  function bytesOf(moment: Moment): Buffer {
    const unknown = looks.flatMap(({ named }) => (known.get(named.pid) === named ? [] : [named]));
    for (const named of unknown) known.set(named.pid, named);
    const entries = looks.map(({ entry }) => entry);
    return Buffer.concat([...namesBlocks(unknown), ...looksBlocks(moment, entries)]);
  }

  return {
    add: (entry, named) => void looks.push({ entry, named }),
    write(moment) {
      if (looks.length === 0) return;
      if (ring.turn()) known.clear();
      if (!ring.append(bytesOf(moment))) {
        // A new segment has begun, which has no names.
        known.clear();
        ring.append(bytesOf(moment));
      }
      looks = [];
    },
  };
}
