// Proves that every recipe of docs/cookbook.md runs as it is printed, on a lake that has what it asks for.
// Whether Trino agrees is asked of its grammar and of the functions that both engines have, as for queries/.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import { windowBefore } from "../../functions/core/window.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { detectLocally } from "../../local/detect-locally.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { conversionTotals, stderrLog } from "../../local/log.ts";
import { replayTraces } from "../../local/replay/replay-traces.ts";
import { parseTrace, readTraceText } from "../../local/replay/trace.ts";
import { rollUpLocally } from "../../local/roll-up-locally.ts";
import { collectorSample, detailSample, hostIdentity, hostSample, processSample, samples } from "../support/samples.ts";
import { foreignFunctions, trinoGrammar } from "../support/trino-grammar.ts";

const page = readFileSync(new URL("../../docs/cookbook.md", import.meta.url), "utf8");
const recipes = Array.from(
  page.matchAll(/^### (\d+\. .*)\n(?:(?!###)[\s\S])*?```sql\n([\s\S]*?)\n```/gm),
  ([, title, sql]) => ({
    title: title ?? "",
    sql: sql ?? "",
  }),
);

const END_MS = Date.UTC(2026, 10, 23);
const HOUR_MS = 3_600_000;
const GIB = 2 ** 30;
let folder = "";
let lake: Lake;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-cookbook-"));
  const traces = ["a_c_clean_1", "b_c_leak_1", "c_survive_1", "d_c_arenas_1", "k_java_heap_1", "i_c_vma_1"].map((name) => {
    const path = new URL(`../traces/${name}.ndjson.gz`, import.meta.url).pathname;
    const trace = parseTrace(readTraceText(path), path);
    if (!trace.ok) throw new Error(trace.error);
    return trace.value;
  });
  const totals = conversionTotals();
  await replayTraces(traces, {
    folder,
    endMs: END_MS - HOUR_MS,
    hosts: 1,
    repeat: 1,
    stretch: 40,
    totals,
    progress: () => undefined,
  });
  await deliver();
  await rollUpLocally(folder, { startMs: 0, endMs: END_MS }, 3_600);
  const detecting = await openLake(folder);
  await detectLocally(detecting, folder, windowBefore(END_MS, 24 * HOUR_MS, 7), {});
  detecting.close();
  lake = await openLake(folder);
});

after(() => {
  lake?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Every hour of the day a row: a peak in the morning, after which live memory went and the pages stayed. */
const day = Array.from({ length: 24 }, (_, hour) => END_MS - (24 - hour) * HOUR_MS + 60_000);

const heldRow = (sampled_at: number, hour: number) => {
  const live = hour > 6 && hour < 12 ? 900_000_000 : 100_000_000;
  const rss = hour > 6 ? 950_000_000 : 150_000_000;
  return processSample({
    sampled_at,
    sequence: 100 + hour,
    service_version: "1.4.2",
    rss_bytes: rss,
    rss_bytes_max: rss,
    anon_bytes: rss,
    allocator: "glibc",
    allocator_version: "2.36",
    heap_source: "walk",
    tunables: "MALLOC_ARENA_MAX=2",
    heap_bytes: rss,
    live_bytes: live,
    free_bytes: rss - live,
    free_resident_bytes: rss - live,
    free_chunk_count: 1_000,
    free_chunk_bytes_max: 100_000,
    reclaimable_bytes: (rss - live) / 2,
    non_main_free_bytes: rss - live,
    non_main_arena_bytes: rss,
    arena_count_over_1mib: 7,
    vma_count: 60_000,
    vma_count_limit: 65_530,
    runtime: "jvm",
    runtime_heap_bytes: 500_000_000,
    runtime_heap_used_bytes: 300_000_000,
    runtime_heap_used_after_gc_bytes: 200_000_000,
    cgroup_limit_bytes: GIB,
    cgroup_current_bytes: rss,
    cgroup_oom_kill_count: hour > 12 ? 1 : 0,
  });
};

const blindRow = (sampled_at: number, sequence: number) =>
  processSample({
    sampled_at,
    sequence,
    pid: 101,
    process_key: "11111111-101-6",
    rss_bytes: 99_000_000,
    heap_unknown_reason: "denied",
  });

/** What traces do not have: rows of the host, of the collector, of a death, and a process without heap figures. */
async function deliver(): Promise<void> {
  const times = [3, 2, 1].map((hours) => END_MS - hours * HOUR_MS - 60_000);
  const made = samples({
    host: times.map((sampled_at, sequence) =>
      hostSample({
        sampled_at,
        sequence,
        mem_total_bytes: 8 * GIB,
        mem_available_bytes: GIB,
        swap_total_bytes: GIB,
        swap_free_bytes: GIB / 2,
        memory_some_us: sequence * 1_000,
      }),
    ),
    collector: times.map((sampled_at, at) =>
      collectorSample({
        sampled_at,
        sequence: 10 + at,
        collector_cpu_us: 90_000,
        collector_rss_bytes: 60_000_000,
        row_dropped_count: 0,
        process_skipped_count: 0,
        process_denied_count: 1,
        walk_count: 9,
        walk_unknown_count: 1,
      }),
    ),
    process: [...day.map(heldRow), ...times.map((sampled_at, at) => blindRow(sampled_at, 20 + at))],
    detail: times.map((sampled_at, at) =>
      detailSample({ sampled_at, sequence: 30 + at, event_at: times[2] ?? 0, rss_bytes: 100_000_000 + at }),
    ),
  });
  const delivery = folderDelivery({ folder, name: "cookbook", nowMs: () => END_MS });
  await delivery.deliver(
    encodeRecords({ ...hostIdentity, collector_version: "0.1.0", zone: "eu-central-1b", instance_type: "m7i.large" }, made).map(
      ({ bytes }) => bytes,
    ),
  );
  const converter = pendingConverter(folder, { log: stderrLog, report: () => undefined, nowMs: () => END_MS });
  equal(await converter.convertPending(), 0);
}

test("there are twenty recipes, numbered in order", () => {
  deepEqual(
    recipes.map(({ title }) => Number.parseInt(title, 10)),
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
});

test("every recipe is in Trino's grammar, calls what both engines have, and reads a partition", async () => {
  const grammar = await trinoGrammar();
  for (const { title, sql } of recipes) {
    deepEqual(grammar.validate(sql), [], title);
    deepEqual(
      foreignFunctions(sql).filter((name) => name !== "having"),
      [],
      title,
    );
    ok(/\bdt (=|BETWEEN) '/.test(sql), `${title} filters on dt`);
  }
});

for (const { title, sql } of recipes) {
  test(`recipe ${title}`, async () => {
    const { columns, rows } = await lake.query(sql);
    ok(rows.length > 0, "it has an answer");
    for (const [at, column] of columns.entries()) {
      ok(
        rows.some((row) => row[at] !== null),
        `${column} is not always NULL`,
      );
    }
  });
}
