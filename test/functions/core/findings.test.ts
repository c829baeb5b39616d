// From query rows to findings.
import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import { type DetectionRows, toFindings } from "../../../functions/core/findings.ts";
import type { ResultRow } from "../../../functions/edges.ts";

const MIB = 1_024 * 1_024;
const FOUND_AT_MS = 1_800_000_000_000;
const nothing: DetectionRows = {
  live_growth: [],
  rss_not_returned: [],
  largest_free_chunk_falling: [],
  free_chunk_count_rising: [],
};

const identity = (service: string, pid: number, host = "i-1"): ResultRow => ({
  host_id: host,
  process_key: `boot-${pid}-1`,
  service,
  pid,
  since: FOUND_AT_MS - pid,
});
const growth = (service: string, pid: number): ResultRow => ({
  ...identity(service, pid),
  period_count: 3,
  live_bytes_first: 10 * MIB,
  live_bytes_last: 50 * MIB,
  growth_bytes: 40 * MIB,
  last_step_bytes: 20 * MIB,
});
const held = (service: string, pid: number, values: ResultRow = {}, host = "i-1"): ResultRow => ({
  ...identity(service, pid, host),
  cause: "fragmentation",
  rss_bytes_peak: 400 * MIB,
  rss_bytes_trough: 390 * MIB,
  live_bytes_peak: 380 * MIB,
  live_bytes_trough: 80 * MIB,
  held_bytes: 300 * MIB,
  free_chunk_count: 12_000,
  free_chunk_bytes_max: 20_480,
  reclaimable_bytes: 30 * MIB,
  non_main_free_bytes: 0,
  arena_count_over_1mib: 1,
  ...values,
});

test("no rows are no findings, and the classical rules alone make none", () => {
  deepEqual(toFindings(nothing, FOUND_AT_MS), []);
  deepEqual(toFindings({ ...nothing, free_chunk_count_rising: [identity("a", 1)] }, FOUND_AT_MS), []);
});

test("a leaking process that also holds memory is a leak: that cure comes first", () => {
  const findings = toFindings({ ...nothing, live_growth: [growth("a", 1)], rss_not_returned: [held("a", 1)] }, FOUND_AT_MS);
  deepEqual(
    findings.map(({ cause, excess_bytes }) => [cause, excess_bytes]),
    [["leak", 40 * MIB]],
  );
});

test("processes of one service become one finding that counts them and names the worst", () => {
  const rows = [held("a", 1), held("a", 2, { held_bytes: 500 * MIB }, "i-2"), held("b", 3)];
  const [first, second] = toFindings({ ...nothing, rss_not_returned: rows }, FOUND_AT_MS);
  deepEqual([first?.service, first?.host_count, first?.process_count, first?.excess_bytes], ["a", 2, 2, 800 * MIB]);
  equal(first?.since, FOUND_AT_MS - 2);
  match(first?.evidence ?? "", /^worst of 2 processes: .*500 MiB is held free/);
  equal(second?.service, "b");
});

test("a finding keeps its name from run to run, and differs by service and by cause", () => {
  const id = (service: string, cause: string, foundAtMs: number) =>
    toFindings({ ...nothing, rss_not_returned: [held(service, 1, { cause })] }, foundAtMs)[0]?.finding_id;
  equal(id("a", "retention", 1), id("a", "retention", 2));
  equal(new Set([id("a", "retention", 1), id("a", "fragmentation", 1), id("b", "retention", 1)]).size, 3);
});

test("evidence carries figures with units; what is not known is called unknown", () => {
  const [finding] = toFindings(
    { ...nothing, rss_not_returned: [held("a", 1, { reclaimable_bytes: null })], free_chunk_count_rising: [identity("a", 1)] },
    FOUND_AT_MS,
  );
  match(
    finding?.evidence ?? "",
    /from peak to trough live bytes went from 380 MiB to 80 MiB, RSS from 400 MiB to 390 MiB; 300 MiB is held free in 12,000 chunks/,
  );
  match(finding?.evidence ?? "", /what a trim would return is unknown$/);
  equal(finding?.reclaimable_bytes, null);
  equal(finding?.early_warnings, "free_chunk_count_rising");
});

test("arena bloat says in how many arenas of threads the memory lies", () => {
  const row = held("a", 1, { cause: "arena_bloat", arena_count_over_1mib: 16, non_main_free_bytes: 250 * MIB });
  match(
    toFindings({ ...nothing, rss_not_returned: [row] }, FOUND_AT_MS)[0]?.evidence ?? "",
    /250 MiB of the free memory lies in the arenas of threads \(16 arenas hold over 1 MiB\)/,
  );
});

test("a result without an expected column is a bug and throws with its name", () => {
  const { held_bytes: _, ...incomplete } = held("a", 1);
  throws(() => toFindings({ ...nothing, rss_not_returned: [incomplete] }, FOUND_AT_MS), /no column held_bytes/);
});
