// Which processes a report draws, when there are more than anybody reads.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { fillReport } from "../../../../functions/core/report/fill.ts";
import type { ResultRow } from "../../../../functions/edges.ts";

const window = { startMs: 0, endMs: 3_600_000, periodMs: 3_600_000 };
const MIB = 1_024 * 1_024;

const unknown = Object.fromEntries(
  [
    "host_name",
    "comm",
    "allocator",
    "allocator_version",
    "heap_unknown_reason",
    "live_bytes",
    "free_bytes",
    "mmapped_bytes",
    "heap_resident_bytes",
    "free_resident_bytes",
    "reclaimable_bytes",
    "pinned_bytes_by_size",
  ].map((column) => [column, null]),
);

function processes(count: number): ResultRow[] {
  return Array.from({ length: count }, (_, at) => ({
    ...unknown,
    host_id: "h",
    process_key: `k-${at}`,
    service: `service-${at}`,
    pid: at + 1,
    rss_bytes: (count - at) * MIB,
    process_count: count,
  }));
}

const drawn = (servicesFirst?: readonly string[]) =>
  fillReport({
    rows: { process_timeline: [], heap_composition: processes(20), collector_cost: [] },
    findings: [],
    window,
    title: "t",
    generatedAtMs: window.endMs,
    ...(servicesFirst === undefined ? {} : { servicesFirst }),
  }).processes.map(({ service }) => service);

test("of many processes the largest twelve are drawn", () => {
  deepEqual(
    drawn(),
    Array.from({ length: 12 }, (_, at) => `service-${at}`),
  );
});

test("services that are asked for come first, however small they are", () => {
  deepEqual(drawn(["service-19", "service-15"]).slice(0, 3), ["service-19", "service-15", "service-0"]);
});
