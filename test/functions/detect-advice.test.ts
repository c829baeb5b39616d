// What a run over trends does with advice: who gets it, what of it is filed, and when the ledger is made.
// What is recommended is test/functions/core/advice's; what the ledger finds on a lake is test/local/ledger.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "aws-lambda";
import { windowBefore } from "../../functions/core/window.ts";
import { createDetectHandler } from "../../functions/detect.ts";
import type { Message, QueryEngine, ResultRow } from "../../functions/edges.ts";
import { recommendationColumns } from "../../schema/made-columns.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";
import { queryWithDuckdb } from "./core/parquet/readers.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const END_MS = Date.UTC(2026, 10, 23, 12);
const MIB = 1_048_576;

const bloat: ResultRow = {
  host_id: "i-1",
  process_key: "b-1-1",
  service: "checkout",
  service_version: null,
  environment: "live",
  instance_type: null,
  zone: null,
  pid: 1,
  cause: "arena_bloat",
  confidence: 1,
  since: END_MS - DAY_MS,
  excess_bytes: 300 * MIB,
  held_bytes: 300 * MIB,
  reclaimable_bytes: 10 * MIB,
  free_chunk_count: 9_000,
  free_chunk_bytes_max: MIB,
  arena_count: 8,
  non_main_arena_bytes: 400 * MIB,
  live_bytes_peak: 300 * MIB,
  live_bytes_valley: 90 * MIB,
  rss_bytes_peak: 400 * MIB,
  rss_bytes_valley: 400 * MIB,
  valley_count: 3,
};

/** Of two processes of the service the second holds more; figures of another service are not its. */
const processes: readonly ResultRow[] = [
  ["checkout", 20],
  ["checkout", 300],
  ["other", 900],
].map(([service = "", held]) => ({
  service,
  instance_type: "m7g.large",
  allocator: "glibc",
  allocator_version: "2.36",
  heap_source: "walk",
  tunables: null,
  free_resident_bytes: Number(held) * MIB,
  reclaimable_bytes: 10 * MIB,
  non_main_free_bytes: Number(held) * 0.9 * MIB,
  arena_count_over_1mib: 8,
  live_bytes: 90 * MIB,
  live_bytes_peak: 100 * MIB,
  pinned_bytes_by_size: null,
}));

interface Run {
  readonly answers?: Readonly<Record<string, readonly ResultRow[]>>;
  readonly lake?: MemoryStore;
  readonly endMs?: number;
  readonly detector?: "trends" | "acute";
}

async function run({ answers = {}, lake = memoryStore(), endMs = END_MS, detector = "trends" }: Run = {}) {
  const asked: string[] = [];
  const messages: Message[] = [];
  const queries: QueryEngine = {
    async run(name) {
      asked.push(name);
      const all = { process_causes: [bloat], heap_composition: processes, ...answers };
      return all[name as keyof typeof all] ?? [];
    },
    unload: () => Promise.reject(new Error("nobody asked for that")),
  };
  const handler = createDetectHandler({
    queries,
    lake,
    notifier: { send: async (message) => void messages.push(message) },
    thresholds: {},
    thresholdNames: new Set(),
    observe: () => undefined,
  });
  const findings = await handler({ window: windowBefore(endMs, DAY_MS, 7), detector }, {} as Context);
  return { asked, messages, lake, findings };
}

async function filed(lake: MemoryStore, endMs = END_MS): Promise<readonly Record<string, unknown>[]> {
  const key = [...lake.objects.keys()].find((name) => name.startsWith("lake/recommendation/") && name.includes(`-${endMs}`));
  if (key === undefined) return [];
  return queryWithDuckdb(Buffer.from(lake.objects.get(key) ?? []), "SELECT * FROM t");
}

/** The rows of a file as recent_recommendations would give them to the next run. */
const known = (rows: readonly Record<string, unknown>[], atMs: number, values: ResultRow = {}): readonly ResultRow[] =>
  rows.map((row) => ({
    ...Object.fromEntries(
      Object.entries(recommendationColumns).map(([name, { type }]) => {
        const cell = row[name] ?? null;
        return [name, cell === null || type === "string" ? (cell as string | null) : Number(cell)];
      }),
    ),
    recommended_at: atMs,
    first_recommended_at: atMs,
    ...values,
  }));

test("the first recommendation of a finding is filed, by the figures of its worst process, and told with the alert", async () => {
  const { lake, messages } = await run();
  const [row] = await filed(lake);
  deepEqual(
    [row?.["service"], row?.["environment"], row?.["cause"], row?.["state"]],
    ["checkout", "live", "arena_bloat", "proposed"],
  );
  match(String(row?.["changes"]), /^[a-z_.]+=\S+/);
  ok(Number(row?.["bytes_per_process_expected"]) > 100 * MIB, "of 300 MiB that the worst process holds");
  ok(Number(row?.["bytes_fleet_expected"]) > 100 * MIB && Number(row?.["dollars_per_month_most"]) > 0);
  ok(messages[0]?.text.includes(String(row?.["title"])), messages[0]?.text);
});

test("what stands is not filed again for a week, and is when its forecast or its setting is another", async () => {
  const rows = await filed((await run()).lake);
  const again = async (atMs: number, values: ResultRow = {}) =>
    (await filed((await run({ answers: { recent_recommendations: known(rows, atMs, values) } })).lake)).length;
  equal(await again(END_MS - HOUR_MS), 0);
  equal(await again(END_MS - 7 * DAY_MS), 1);
  equal(await again(END_MS - HOUR_MS, { bytes_fleet_expected: 1 }), 1);
  equal(await again(END_MS - HOUR_MS, { changes: "glibc.arena_max=1" }), 1);
});

test("what was withdrawn is not recommended again, neither in a row nor in the alert", async () => {
  const rows = await filed((await run()).lake);
  const withdrawn = known(rows, END_MS - HOUR_MS, { state: "withdrawn", withdrawn_because: "tried here, it did not help" });
  const { lake, messages } = await run({ answers: { recent_recommendations: withdrawn } });
  const next = await filed(lake);
  ok(next.every((row) => row["recommendation_id"] !== rows[0]?.["recommendation_id"]));
  ok(!messages[0]?.text.includes(String(rows[0]?.["setting"])));
});

test("what was withdrawn is remembered as long as the service has a finding", async () => {
  const rows = await filed((await run()).lake);
  const values = { state: "withdrawn", withdrawn_because: "tried here, it did not help" };
  const stateAfter = async (ageMs: number) =>
    (await filed((await run({ answers: { recent_recommendations: known(rows, END_MS - ageMs, values) } })).lake))
      .filter((row) => row["recommendation_id"] === rows[0]?.["recommendation_id"])
      .map((row) => [row["state"], row["withdrawn_because"]]);
  deepEqual(await stateAfter(DAY_MS), []);
  deepEqual(await stateAfter(8 * DAY_MS), [["withdrawn", "tried here, it did not help"]]);
});

test("the ledger is made once a period, by the first run of it; samples are read for advice then and when there is news", async () => {
  const lake = memoryStore();
  const first = await run({ lake });
  ok(first.asked.includes("setting_changes") && first.asked.includes("heap_composition"));
  const last = first.findings.map((finding) => ({
    ...Object.fromEntries(
      ["scope", "detector", "explained_by", "early_warnings", "muted", "confidence"].map((name) => [name, null]),
    ),
    ...finding,
  })) as unknown as readonly ResultRow[];
  const later = await run({ lake, endMs: END_MS + HOUR_MS, answers: { recent_findings: last } });
  ok(!later.asked.includes("setting_changes") && !later.asked.includes("heap_composition"), later.asked.join());
  deepEqual(later.messages, []);
  const tomorrow = await run({ lake, endMs: END_MS + 13 * HOUR_MS, answers: { recent_findings: last } });
  ok(tomorrow.asked.includes("setting_changes"));
  const acute = await run({ lake: memoryStore(), detector: "acute" });
  ok(!acute.asked.includes("setting_changes") && !acute.asked.includes("heap_composition"));
});
