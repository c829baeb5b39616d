// What is shipped of a process's last hour: every look of its last minutes, fewer before, and no more than the host may.
// When something happened, and to whom, is black-box.ts's.
import type { BlockVisitor, Entry, Looks, Moment, ProcessId } from "./blocks.ts";
import { HISTORY_LOOKS } from "./ring.ts";

/** One process whose last looks are wanted, up to and with the one at `lastMs` (since boot). */
export interface Wanted extends ProcessId {
  readonly service: string;
  readonly lastMs: number;
  /** What goes first when a service cannot have all: lower is sooner. */
  readonly rank: number;
}

export interface Look extends Entry, Moment {}

export interface History {
  /** Newest looks of each of those wanted, oldest first, in the order asked for. */
  readonly looks: readonly (readonly Look[])[];
  /** Looks that were left behind because there were more than `rowsMax`. */
  readonly droppedCount: number;
}

/** The last ten minutes tell how it ended, the hour before from where it came: 110 rows instead of 360. */
const DENSE_LOOKS = 60;
/** One look of so many, before that: one a minute. */
const SPARSE_LOOKS = 6;
/** What one gets at a time where not all can have everything. */
const PORTION = 6;

export interface Pace {
  /** Time between looks. */
  readonly tickMs: number;
  /** Rows of all together. */
  readonly rowsMax: number;
}

/**
 * Shows the whole ring to `visit` twice, first to count: of many deaths at once not all rows need be in memory. What is shipped
 * of all together is bounded, in equal parts for each service and within it for each process, so that one service's short-lived
 * processes do not crowd out the others.
 */
export function historyOf(
  wanted: readonly Wanted[],
  { tickMs, rowsMax }: Pace,
  visit: (visitor: BlockVisitor) => void,
): History {
  const counts = wanted.map(() => 0);
  forEachLook(wanted, tickMs, visit, (index) => {
    counts[index] = (counts[index] ?? 0) + 1;
  });
  const given = shareOut(wanted, counts, rowsMax);
  const skip = counts.map((count, index) => count - (given[index] ?? 0));
  const looks: Look[][] = wanted.map(() => []);
  forEachLook(wanted, tickMs, visit, (index, blocks, place) => {
    const left = skip[index] ?? 0;
    if (left > 0) skip[index] = left - 1;
    else looks[index]?.push({ ...blocks.entryAt(place), atMs: blocks.atMs, upMs: blocks.upMs });
  });
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return { looks, droppedCount: sum(counts) - sum(given) };
}

function forEachLook(
  wanted: readonly Wanted[],
  tickMs: number,
  visit: (visitor: BlockVisitor) => void,
  see: (index: number, looks: Looks, place: number) => void,
): void {
  const byPid = Map.groupBy(wanted.keys(), (index) => wanted[index]?.pid ?? 0);
  const stretches = wanted.map(() => -1);
  visit({
    looks(looks) {
      for (let place = 0; place < looks.count; place++) {
        for (const index of byPid.get(looks.pidAt(place)) ?? []) {
          const one = wanted[index];
          if (one === undefined || looks.entryAt(place).startTicks !== one.startTicks) continue;
          const ageMs = one.lastMs - looks.upMs;
          if (ageMs < 0 || ageMs > HISTORY_LOOKS * tickMs) continue;
          const stretch = Math.floor(looks.upMs / (SPARSE_LOOKS * tickMs));
          if (ageMs > DENSE_LOOKS * tickMs && stretches[index] === stretch) continue;
          stretches[index] = stretch;
          see(index, looks, place);
        }
      }
    },
  });
}

/** How many rows each may have, in portions that go round the services, and within one to who has the fewest. */
export function shareOut(
  wanted: readonly Pick<Wanted, "service" | "rank">[],
  counts: readonly number[],
  rowsMax: number,
): readonly number[] {
  const given = counts.map(() => 0);
  const byRank = [...wanted.keys()].sort((a, b) => (wanted[a]?.rank ?? 0) - (wanted[b]?.rank ?? 0));
  const queues = [...Map.groupBy(byRank, (index) => wanted[index]?.service ?? "").values()];
  let left = rowsMax;
  for (let round = queues; round.length > 0 && left > 0; round = round.filter((queue) => queue.length > 0)) {
    for (const queue of round) {
      const index = queue.shift();
      if (index === undefined) continue;
      const [count, had] = [counts[index] ?? 0, given[index] ?? 0];
      const portion = Math.min(PORTION, count - had, left);
      given[index] = had + portion;
      left -= portion;
      if (had + portion < count) queue.push(index);
    }
  }
  return given;
}
