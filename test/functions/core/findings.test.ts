// From rows of process_causes to findings.
import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import { type DetectionRows, toFindings } from "../../../functions/core/findings.ts";
import type { ResultRow } from "../../../functions/edges.ts";

const MIB = 1_024 * 1_024;
const DAY_MS = 86_400_000;
const FOUND_AT_MS = 1_800_000_000_000;
const nothing: DetectionRows = { process_causes: [], largest_free_chunk_falling: [], free_chunk_count_rising: [] };

const processRow = (service: string, pid: number, values: ResultRow = {}): ResultRow => ({
  host_id: "i-1",
  process_key: `boot-${pid}-1`,
  service,
  service_version: null,
  environment: null,
  instance_type: null,
  zone: null,
  pid,
  cause: "fragmentation",
  confidence: 0.75,
  since: FOUND_AT_MS - pid * DAY_MS,
  excess_bytes: 300 * MIB,
  valley_count: 3,
  rss_bytes_peak: 400 * MIB,
  rss_bytes_valley: 390 * MIB,
  live_bytes_peak: 380 * MIB,
  live_bytes_valley: 80 * MIB,
  held_bytes: 300 * MIB,
  reclaimable_bytes: 30 * MIB,
  free_chunk_count: 12_000,
  free_chunk_bytes_max: 20_480,
  arena_count: 1,
  non_main_arena_bytes: 0,
  service_process_count: 1,
  version_process_count: 1,
  instance_type_process_count: 1,
  zone_process_count: 1,
  ...values,
});
const leak = (values: ResultRow = {}): ResultRow =>
  processRow("a", 2, {
    cause: "leak",
    excess_bytes: 40 * MIB,
    in_use_bytes_first: 10 * MIB,
    in_use_bytes_last: 50 * MIB,
    late_growth_bytes: 20 * MIB,
    ...values,
  });
const find = (...process_causes: readonly ResultRow[]) => toFindings({ ...nothing, process_causes }, FOUND_AT_MS);
const evidence = (row: ResultRow): string => find(row)[0]?.evidence ?? "";

test("no rows are no findings, and the classical rules alone make none", () => {
  deepEqual(toFindings(nothing, FOUND_AT_MS), []);
  deepEqual(toFindings({ ...nothing, free_chunk_count_rising: [processRow("a", 1)] }, FOUND_AT_MS), []);
});

test("growth that is meant, and what nobody can name, are no findings", () => {
  deepEqual(find(...["cache_growth", "file_growth", "unknown"].map((cause) => processRow("a", 1, { cause }))), []);
});

test("processes of one service become one finding that counts them and names the worst", () => {
  const worst = processRow("a", 2, { host_id: "i-2", held_bytes: 500 * MIB, excess_bytes: 500 * MIB, confidence: 1 });
  const [first, second] = find(processRow("a", 1), worst, processRow("b", 3));
  deepEqual([first?.service, first?.host_count, first?.process_count, first?.excess_bytes], ["a", 2, 2, 800 * MIB]);
  deepEqual([first?.since, first?.host_id, first?.confidence], [FOUND_AT_MS - 2 * DAY_MS, "i-2", 1]);
  match(first?.evidence ?? "", /^worst of 2 processes: .*500 MiB is held free/);
  equal(second?.service, "b");
});

test("a finding keeps its name from run to run, and differs by service, environment and cause", () => {
  const id = (service: string, environment: string | null, cause: string, foundAtMs: number) =>
    toFindings({ ...nothing, process_causes: [processRow(service, 1, { environment, cause })] }, foundAtMs)[0]?.finding_id;
  equal(id("a", null, "retention", 1), id("a", null, "retention", 2));
  const ids = [
    id("a", null, "retention", 1),
    id("a", null, "fragmentation", 1),
    id("b", null, "retention", 1),
    id("a", "staging", "retention", 1),
  ];
  equal(new Set(ids).size, ids.length);
});

test("what all affected processes share and others of the service do not have explains them: version, instance type, zone", () => {
  const affected = (values: ResultRow) => [processRow("a", 1, values), processRow("a", 2, values)];
  const of = (values: ResultRow) => find(...affected(values))[0]?.explained_by;
  const five = { service_process_count: 5 };
  equal(
    of({ ...five, service_version: "2.4.1", version_process_count: 3 }),
    "version 2.4.1: 2 of its 3 processes, none of the 2 others",
  );
  equal(
    of({ ...five, zone: "eu-1b", zone_process_count: 2, service_version: "1", version_process_count: 5 }),
    "zone eu-1b: 2 of its 2 processes, none of the 3 others",
  );
  equal(of({ ...five, service_version: "2", version_process_count: 5 }), null, "all have that version");
  equal(of({ ...five, service_version: "2", version_process_count: 4 }), null, "half of those with it are not affected");
  const mixed = find(
    processRow("a", 1, { ...five, service_version: "1" }),
    processRow("a", 2, { ...five, service_version: "2" }),
  );
  deepEqual([mixed[0]?.explained_by, mixed[0]?.service_version], [null, null]);
  equal(find(processRow("a", 1, { ...five, service_version: "2" }))[0]?.explained_by, null, "one process may be chance");
});

test("a leak has a trend, and no bytes that a trim would return", () => {
  const [finding] = find(leak());
  deepEqual([finding?.trend_bytes_per_day, finding?.reclaimable_bytes], [20 * MIB, null]);
  equal(find(leak({ since: FOUND_AT_MS - 60_000 }))[0]?.trend_bytes_per_day, null, "a minute is no trend");
  equal(find(processRow("a", 1))[0]?.trend_bytes_per_day, null);
});

test("evidence carries figures with units; what is not known is called unknown", () => {
  const row = processRow("a", 1, { reclaimable_bytes: null });
  const [finding] = toFindings({ ...nothing, process_causes: [row], free_chunk_count_rising: [row] }, FOUND_AT_MS);
  match(
    finding?.evidence ?? "",
    /from peak to valley live bytes went from 380 MiB to 80 MiB, RSS from 400 MiB to 390 MiB; 300 MiB is held free in 12,000 chunks/,
  );
  match(finding?.evidence ?? "", /what a trim would return is unknown$/);
  equal(finding?.reclaimable_bytes, null);
  equal(finding?.early_warnings, "free_chunk_count_rising");
});

test("each cause says what it saw", () => {
  match(evidence(processRow("a", 1, { confidence: 0.5 })), /seen after one peak so far$/);
  match(
    evidence(processRow("a", 1, { cause: "arena_bloat", arena_count: 16, non_main_arena_bytes: 250 * MIB })),
    /16 arenas hold over 1 MiB, those of threads 250 MiB together/,
  );
  match(evidence(leak()), /rose from 10 MiB to 50 MiB over 3 valleys between peaks, 20 MiB of it lately/);
  match(evidence(leak({ valley_count: 1 })), /without ever falling back/);
  match(
    evidence(leak({ in_use_bytes_last: 11 * MIB, runtime_used_bytes_first: 90 * MIB, runtime_used_bytes_last: 130 * MIB })),
    /what a collection leaves in the runtime's heap is 130 MiB, and no more than 90 MiB was in use before/,
  );
  match(
    evidence(processRow("a", 1, { cause: "runtime_heap", outside_bytes_first: 10 * MIB, outside_bytes_last: 70 * MIB })),
    /outside of malloc rose from 10 MiB to 70 MiB and stayed/,
  );
  match(
    evidence(
      processRow("a", 1, { cause: "mapping_growth", vma_count_min: 40, vma_count_max: 32_765, vma_count_limit: 65_530 }),
    ),
    /mappings rose from 40 to 32,765, 50 % of the limit of 65,530/,
  );
  const failing = { cause: "alloc_failure", failure_count: 12, oom_kill_count: 0, limit_hit_count: null, major_fault_count: 0 };
  match(evidence(processRow("a", 1, failing)), /^12 allocations failed; 300 MiB was held free/);
  match(
    evidence(processRow("a", 1, { ...failing, failure_count: null, limit_hit_count: 2_000_000, major_fault_count: 16_000 })),
    /hit its limit 2,000,000 times while it waited for 16,000 pages from disk/,
  );
});

test("a result without an expected column is a bug and throws with its name", () => {
  const { held_bytes: _, ...incomplete } = processRow("a", 1);
  throws(() => find(incomplete), /no column held_bytes/);
  throws(() => find(processRow("a", 1, { cause: "gremlins" })), /no evidence is known for the cause gremlins/);
});
