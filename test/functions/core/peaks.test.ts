// Peaks of the alert settings: the run in which each is due, the window it is asked with, and what is told.
// The figures are test/queries/peaks.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { duePeaks, peakMessage, peakWindow } from "../../../functions/core/peaks.ts";
import { windowBefore } from "../../../functions/core/window.ts";
import type { ResultRow } from "../../../functions/edges.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1_024 * 1_024;
const FROM_MS = Date.UTC(2026, 10, 27, 6);
const peak = { name: "Black Friday", from: FROM_MS, to: FROM_MS + 12 * HOUR_MS };

test("a peak is due in exactly one of the hourly runs, a period after its end", () => {
  const runs = Array.from({ length: 72 }, (_, hour) => FROM_MS + hour * HOUR_MS);
  const due = runs.filter((endMs) => duePeaks([peak], windowBefore(endMs, DAY_MS, 7)).length === 1);
  deepEqual(due, [peak.to + DAY_MS]);
});

test("an end within an hour is due with the run after it", () => {
  const oddly = { ...peak, to: peak.to + 1 };
  const due = [0, 1, 2].filter(
    (hour) => duePeaks([oddly], windowBefore(peak.to + DAY_MS + hour * HOUR_MS, DAY_MS, 7)).length > 0,
  );
  deepEqual(due, [1]);
});

test("it is asked with a week of whole periods before it", () => {
  const { startMs, endMs, periodMs } = peakWindow(peak, windowBefore(peak.to + DAY_MS, DAY_MS, 7));
  equal((endMs - startMs) % periodMs, 0);
  ok(startMs <= FROM_MS - 7 * DAY_MS && startMs > FROM_MS - 9 * DAY_MS);
});

const row = (service: string, keptMib: number | null, values: ResultRow = {}): ResultRow => ({
  service,
  environment: null,
  found_by: "given",
  process_count_after: 2,
  rss_bytes_before: 100 * MIB,
  rss_bytes_peak: 500 * MIB,
  rss_bytes_after: keptMib === null ? null : (100 + keptMib) * MIB,
  rss_ratchet: keptMib === null ? null : keptMib / 400,
  live_ratchet: null,
  rss_ratchet_of_last_peak: null,
  rss_bytes_after_since_last_peak: keptMib === null ? null : keptMib * MIB,
  ...values,
});

test("services are told by what all their processes kept, and those that kept nothing are counted", () => {
  const { subject, text } = peakMessage(peak, [
    row("some", 30),
    row("most", 20, { process_count_after: 100, environment: "live" }),
    row("none", 0),
    row("less", -5),
    row("flat", null),
    row("found", 300, { found_by: "live" }),
  ]);
  equal(subject, "Tidemark: the peak Black Friday: 2 services kept memory");
  const lines = text.split("\n").filter((line) => line.startsWith("- "));
  deepEqual(
    lines.map((line) => line.slice(2, line.indexOf(":"))),
    ["most (live)", "some"],
  );
  match(lines[1] ?? "", /RSS 100 MiB, 500 MiB, 130 MiB: 8 % of the rise stayed|7\.5 % of the rise stayed/);
  match(lines[1] ?? "", /of live bytes unknown/);
  match(text, /3 services of 5 went back/);
});

test("a thousand services are a bounded message, and a strange name is one line of ASCII", () => {
  const { subject, text } = peakMessage(
    { ...peak, name: `süß\n${"x".repeat(400)}` },
    Array.from({ length: 1_000 }, (_, at) => row(`s${at}`, 10)),
  );
  match(subject, /^[\x20-\x7e]{1,99}$/);
  match(text, /and 950 more services/);
});
