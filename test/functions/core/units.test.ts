// Tests of how figures are written for people.
// It leaves their place in a sentence or a page to the tests of those.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes,
  formatCount,
  formatCountOf,
  formatDollars,
  formatDuration,
  formatShare,
  formatSizeBin,
  formatUtc,
} from "../../../functions/core/units.ts";

test("absent and impossible figures are unknown, never zero", () => {
  for (const format of [formatBytes, formatCount, formatDuration, formatShare, formatSizeBin, formatUtc]) {
    for (const figure of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      equal(format(figure), "unknown", `${format.name}(${figure})`);
    }
  }
  equal(formatCountOf(null, "host", "hosts"), "unknown hosts");
});

test("formatBytes: about three digits in binary units, rounded before the unit is chosen", () => {
  const cases: readonly [bytes: number, text: string][] = [
    [0, "0 B"],
    [1, "1 B"],
    [1_023, "1023 B"],
    [1_024, "1 KiB"],
    [32_715_571, "31.2 MiB"],
    [104_806_000, "100 MiB"],
    [432_013_312, "412 MiB"],
    [2 ** 20 - 1, "1 MiB"],
    [2 ** 30 - 1, "1 GiB"],
    [1.5 * 2 ** 40, "1.5 TiB"],
    [2 ** 70, "1024 EiB"],
    [-3 * 2 ** 20, "-3 MiB"],
    [-0.2, "0 B"],
  ];
  for (const [bytes, text] of cases) equal(formatBytes(bytes), text);
});

test("formatDuration: the two largest units, without a zero second one", () => {
  const second = 1_000;
  const cases: readonly [durationMs: number, text: string][] = [
    [0, "0 ms"],
    [0.4, "< 1 ms"],
    [850, "850 ms"],
    [999.7, "1 s"],
    [12_540, "12.5 s"],
    [59_960, "1 min"],
    [65 * second, "1 min 5 s"],
    [3_599_800, "1 h"],
    [3_600 * second, "1 h"],
    [16_200 * second, "4 h 30 min"],
    [86_399 * second, "1 d"],
    [100 * 3_600 * second, "4 d 4 h"],
    [1_500 * 86_400 * second, "1,500 d"],
    [-65 * second, "-1 min 5 s"],
  ];
  for (const [durationMs, text] of cases) equal(formatDuration(durationMs), text);
});

test("formatUtc: seconds only where there are some, and a moment no Date can hold is unknown", () => {
  equal(formatUtc(Date.UTC(2026, 2, 1, 10, 0, 0)), "2026-03-01 10:00 UTC");
  equal(formatUtc(Date.UTC(2026, 2, 1, 10, 0, 5, 900)), "2026-03-01 10:00:05 UTC");
  equal(formatUtc(0), "1970-01-01 00:00 UTC");
  equal(formatUtc(8.65e15), "unknown");
});

test("formatCount and formatCountOf: thousands apart, and a noun that agrees", () => {
  equal(formatCount(1_234_567), "1,234,567");
  equal(formatCountOf(0, "host", "hosts"), "0 hosts");
  equal(formatCountOf(1, "host", "hosts"), "1 host");
  equal(formatCountOf(1_200, "process", "processes"), "1,200 processes");
});

test("formatShare: a trace is not nothing, and digits grow where the share is small", () => {
  const cases: readonly [share: number, text: string][] = [
    [0, "0 %"],
    [0.000_01, "< 0.01 %"],
    [-0.000_01, "> -0.01 %"],
    [0.002_1, "0.21 %"],
    [0.034, "3.4 %"],
    [0.62, "62 %"],
    [1, "100 %"],
    [1.5, "150 %"],
  ];
  for (const [share, text] of cases) equal(formatShare(share), text);
});

test("formatSizeBin: a bin ends before the next power of two", () => {
  const cases: readonly [chunkBytesMin: number, text: string][] = [
    [16, "16-31 B"],
    [256, "256-511 B"],
    [512, "512 B-1 KiB"],
    [4_096, "4-8 KiB"],
    [2 ** 19, "512 KiB-1 MiB"],
  ];
  for (const [chunkBytesMin, text] of cases) equal(formatSizeBin(chunkBytesMin), text);
});

test("dollars have cents while they matter, and a trace is not nothing", () => {
  const cases = [
    [0, "$0.00"],
    [0.001, "< $0.01"],
    [0.42, "$0.42"],
    [9.994, "$9.99"],
    [9.996, "$10"],
    [1_240.4, "$1,240"],
    [-3, "-$3.00"],
    [null, "unknown"],
  ] as const;
  for (const [dollars, text] of cases) equal(formatDollars(dollars), text);
});
