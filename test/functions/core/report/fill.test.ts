// Which processes a report draws, when there are more than anybody reads.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { fillReport } from "../../../../functions/core/report/fill.ts";
import type { ResultRow } from "../../../../functions/edges.ts";
import type { Finding } from "../../../../schema/columns.ts";

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

test("advice on a finding is by the figures of its service's process that holds most; without one, by the cause alone", () => {
  const [row = {}] = processes(1);
  const heap = { allocator: "glibc", allocator_version: "2.36", live_bytes: MIB, reclaimable_bytes: 400 * MIB };
  const finding = (service: string, cause: string): Finding => ({
    found_at: 0,
    finding_id: `${service}-${cause}`,
    service,
    cause,
    since: 0,
    host_count: 1,
    process_count: 2,
    excess_bytes: 800 * MIB,
    reclaimable_bytes: 800 * MIB,
    evidence: "",
    early_warnings: null,
  });
  const { advice } = fillReport({
    rows: {
      process_timeline: [],
      heap_composition: [
        { ...row, ...heap, service: "a", process_key: "small", free_resident_bytes: MIB },
        { ...row, ...heap, service: "a", process_key: "large", free_resident_bytes: 400 * MIB },
      ],
      collector_cost: [],
    },
    findings: [finding("a", "retention"), finding("unread", "retention"), finding("unread", "leak")],
    window,
    title: "t",
    generatedAtMs: window.endMs,
  });
  const firstOf = (id: string) => advice.get(id)?.recommendations[0];
  deepEqual([firstOf("a-retention")?.id, firstOf("a-retention")?.effect?.likely], ["relief", 400 * MIB]);
  deepEqual([firstOf("unread-retention"), firstOf("unread-leak")?.id], [undefined, "program.heap_profile"]);
});
