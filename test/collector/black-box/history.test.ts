// How much of a history is shipped: all of its end, little of its beginning, and of many at once equal parts.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { type BlockVisitor, type Entry, looksBlocks, visitBlocks } from "../../../collector/black-box/blocks.ts";
import { historyOf, shareOut, type Wanted } from "../../../collector/black-box/history.ts";

const TICK_MS = 10_000;
const LARGE = { tickMs: TICK_MS, rowsMax: 100_000 };

const entry = (pid: number, startTicks: number, rss_bytes = 4_096): Entry => ({
  pid,
  startTicks,
  rss_bytes,
  shared_bytes: 0,
  virtual_bytes: 8_192,
  major_fault_count: 0,
  thread_count: 1,
});
const wanted = (pid: number, lastMs: number, over: Partial<Wanted> = {}): Wanted => ({
  pid,
  startTicks: 1,
  service: "s",
  lastMs,
  rank: 0,
  ...over,
});

/** One tick after another; entries by tick. */
const ticks = (count: number, entries: (tick: number) => readonly Entry[]) => {
  const bytes = Buffer.concat(
    Array.from({ length: count }, (_, tick) => looksBlocks({ atMs: 1e12 + tick, upMs: tick * TICK_MS }, entries(tick))).flat(),
  );
  return (visitor: BlockVisitor) => void visitBlocks(bytes, visitor);
};

test("ten minutes of every look, the hour before one a minute, and nothing older or of others", () => {
  const last = 720 * TICK_MS;
  const visit = ticks(721, (tick) => [entry(5, 1, tick * 4_096), entry(5, 2), entry(6, 1)]);
  const { looks, droppedCount } = historyOf([wanted(5, last)], LARGE, visit);
  const [of5 = []] = looks;
  equal(droppedCount, 0);
  equal(of5.length, 61 + 50);
  const ages = of5.map(({ upMs }) => last - upMs);
  deepEqual(
    ages.slice(-61),
    Array.from({ length: 61 }, (_, back) => (60 - back) * TICK_MS),
  );
  ok(ages.slice(0, 50).every((age) => age % 60_000 === 0 && age > 600_000 && age <= 3_600_000));
  ok(of5.every(({ upMs, rss_bytes, startTicks }) => rss_bytes === (upMs / TICK_MS) * 4_096 && startTicks === 1));
});

test("looks after the last one wanted are another event's", () => {
  const visit = ticks(10, () => [entry(5, 1)]);
  const { looks } = historyOf([wanted(5, 3 * TICK_MS), wanted(5, 9 * TICK_MS)], LARGE, visit);
  deepEqual(
    looks.map((each) => each.length),
    [4, 10],
  );
});

test("where not all can be had, what is dropped is the oldest, and it is counted", () => {
  const visit = ticks(100, () => [entry(5, 1), entry(6, 1)]);
  const both = [wanted(5, 99 * TICK_MS), wanted(6, 99 * TICK_MS)];
  const { looks, droppedCount } = historyOf(both, { tickMs: TICK_MS, rowsMax: 40 }, visit);
  deepEqual(
    looks.map((each) => [each.length, each.at(-1)?.upMs]),
    [
      [22, 99 * TICK_MS],
      [18, 99 * TICK_MS],
    ],
  );
  const all = historyOf(both, LARGE, visit).looks.flat().length;
  equal(droppedCount, all - 40);
});

test("a service of a thousand short-lived processes leaves the others their part", () => {
  const storm = Array.from({ length: 1_000 }, () => ({ service: "storm", rank: 2 }));
  const others = ["a", "b", "c"].map((service) => ({ service, rank: 2 }));
  const counts = [...storm.map(() => 3), 110, 110, 110];
  const given = shareOut([...storm, ...others], counts, 1_000);
  deepEqual(given.slice(-3), [110, 110, 110]);
  equal(
    given.reduce((sum, count) => sum + count, 0),
    1_000,
  );
});

test("of one service's many the gravest come first, and each has its last minute before any has more", () => {
  const wanted = [2, 2, 0, 2].map((rank) => ({ service: "s", rank }));
  deepEqual(shareOut(wanted, [100, 100, 100, 100], 20), [6, 6, 6, 2]);
  deepEqual(shareOut(wanted, [1, 100, 100, 0], 1_000), [1, 100, 100, 0], "nobody is given more than there is");
  deepEqual(shareOut(wanted, [9, 9, 9, 9], 0), [0, 0, 0, 0]);
  deepEqual(shareOut([], [], 10), []);
});
