// When growth is a burst: by a ratio and by a floor, within a minute, and not while a program starts.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { hasBurst, lowsFrom } from "../../../collector/black-box/burst.ts";

const MIB = 1_024 * 1_024;

/** Sizes in MiB, one look in 10 s; the numbers of the looks that are bursts. */
function burstsOf(sizes: readonly number[], tickMs = 10_000): number[] {
  const lows = lowsFrom(0, (sizes[0] ?? 0) * MIB);
  return sizes.flatMap((size, look) => (hasBurst(lows, look * tickMs, size * MIB) ? [look] : []));
}

const quiet = (size: number) => Array<number>(12).fill(size);

const table: readonly [name: string, sizes: readonly number[], isBurst: boolean][] = [
  ["half as much again, and 500 MiB, from one look to the next", [...quiet(1_000), 1_500], true],
  ["the same in steps of five looks", [...quiet(1_000), 1_100, 1_200, 1_300], true],
  ["just a quarter and just 256 MiB", [...quiet(1_024), 1_280], true],
  ["a little below a quarter", [...quiet(2_000), 2_499], false],
  ["a little below 256 MiB, of a small process", [...quiet(100), 355], false],
  ["slow growth: a tenth a minute", Array.from({ length: 60 }, (_, look) => 4_000 * 1.1 ** (look / 6)), false],
  ["a program that starts", [10, 400, 900, 1_500, 1_600, 1_600, 1_600], false],
  ["shrinking", [...quiet(4_000), 100], false],
];
for (const [name, sizes, isBurst] of table) {
  test(`${name}: ${isBurst ? "a burst" : "none"}`, () => {
    equal(burstsOf(sizes).length > 0, isBurst, `looks ${burstsOf(sizes)}`);
  });
}

test("what was low a minute and a half ago is forgotten", () => {
  const sizes = [...quiet(1_000), ...Array.from({ length: 30 }, (_, step) => 1_000 + step * 15)];
  equal(burstsOf(sizes).length, 0, "it grew by half, but over five minutes");
});

test("after a pause of the looks nobody knows how fast it grew", () => {
  const lows = lowsFrom(0, 1_000 * MIB);
  for (let look = 1; look <= 12; look++) equal(hasBurst(lows, look * 10_000, 1_000 * MIB), false);
  equal(hasBurst(lows, 1_200_000, 2_000 * MIB), false);
});
