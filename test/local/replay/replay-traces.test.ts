// Traces through the whole pipeline into a folder's lake: how rows are marked, and when they lie where.
// Parsing is trace.test.ts's; the command is replay.test.ts's.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openLake } from "../../../local/duckdb.ts";
import { conversionTotals } from "../../../local/log.ts";
import { type ReplayOptions, replayTraces } from "../../../local/replay/replay-traces.ts";
import { parseTrace, type Trace } from "../../../local/replay/trace.ts";
import { minuteRows, traceText } from "./made-traces.ts";

const END_MS = Date.UTC(2026, 10, 23, 12, 30);
const DAY_MS = 86_400_000;

function made(id: string, rows: readonly Readonly<Record<string, unknown>>[]): Trace {
  const trace = parseTrace(traceText({ id, rows }), id);
  if (!trace.ok) throw new Error(trace.error);
  return trace.value;
}

async function replayed(traces: readonly Trace[], given: Partial<ReplayOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-replay-"));
  return { folder, totals: await replayInto(folder, traces, given) };
}

async function replayInto(folder: string, traces: readonly Trace[], given: Partial<ReplayOptions> = {}): Promise<string> {
  const totals = conversionTotals();
  const usual = { folder, endMs: END_MS, hosts: 1, repeat: 1, stretch: 1, totals, progress: () => undefined };
  await replayTraces(traces, { ...usual, ...given });
  return totals.text();
}

async function ask(folder: string, sql: string) {
  const lake = await openLake(folder);
  try {
    return (await lake.query(sql)).rows;
  } finally {
    lake.close();
  }
}

/** Distances from END_MS, in seconds. */
const times = async (folder: string, where = "true") =>
  (await ask(folder, `SELECT epoch_ms(sampled_at) FROM process_samples WHERE ${where} ORDER BY sampled_at`)).map(
    ([time]) => (Number(time) - END_MS) / 1_000,
  );

test("every row says that it is replayed, by its host, its environment and its collector", async () => {
  const { folder } = await replayed([made("one", minuteRows(3)), made("two", minuteRows(3))], { hosts: 2 });
  deepEqual(
    await ask(
      folder,
      `SELECT host_id, host_name, environment, collector_version, service, count(*), count(DISTINCT process_key), min(pid)
       FROM process_samples GROUP BY ALL ORDER BY ALL`,
    ),
    ["replay-1", "replay-2"].flatMap((host) => [
      [host, host, "replay", "replay", "one", 3, 1, 1_000],
      [host, host, "replay", "replay", "two", 3, 1, 1_001],
    ]),
  );
  deepEqual(await ask(folder, "SELECT count(DISTINCT process_key) FROM process_samples"), [[4]]);
});

test("what a trace knows about its cause is nowhere: not in the raw objects, not in the lake", async () => {
  const { folder } = await replayed([made("named", minuteRows(3))]);
  const objects = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ndjson.gz"));
  equal(objects.length, 1);
  for (const object of objects) {
    const text = gunzipSync(readFileSync(join(folder, object))).toString();
    for (const truth of ["baseline", "phase", "cause", "leak", "cycle", "peak", "event"]) ok(!text.includes(truth), truth);
    ok(text.includes('"rss_bytes":[1000,1001,1002]'));
  }
  ok(!existsSync(join(folder, "rejects")), "nothing was sent that the converter would have to refuse");
});

test("the last row lies at the end that was asked for, the others at their recorded distance before it", async () => {
  const { folder } = await replayed([made("one", minuteRows(4))]);
  deepEqual(await times(folder), [-180, -120, -60, 0]);
});

test("traces of one host begin together; the longest ends at the end", async () => {
  const { folder } = await replayed([made("long", minuteRows(4)), made("short", minuteRows(2))]);
  deepEqual(await times(folder, "service = 'long'"), [-180, -120, -60, 0]);
  deepEqual(await times(folder, "service = 'short'"), [-180, -120]);
});

test("repeated, a trace is played again a step after its last row, by the same process; stretched, it takes longer", async () => {
  const { folder } = await replayed([made("one", minuteRows(3))], { repeat: 2, stretch: 10 });
  deepEqual(await times(folder), [-3_000, -2_400, -1_800, -1_200, -600, 0]);
  deepEqual(
    await ask(folder, "SELECT count(DISTINCT process_key), count(DISTINCT sequence), min(sequence) FROM process_samples"),
    [[1, 6, 1]],
  );
});

test("a trace of one row can be repeated: a minute lies between the plays", async () => {
  const { folder } = await replayed([made("one", minuteRows(1))], { repeat: 3 });
  deepEqual(await times(folder), [-120, -60, 0]);
});

test("every host has every row of every trace", async () => {
  const { folder, totals } = await replayed([made("one", minuteRows(5)), made("two", minuteRows(2))], { hosts: 3, repeat: 4 });
  deepEqual(await ask(folder, "SELECT count(*), count(DISTINCT host_id), count(DISTINCT service) FROM process_samples"), [
    [84, 3, 2],
  ]);
  ok(totals.startsWith("84 rows in 3 objects"), totals);
});

test("a span of 30 days is taken whole; a longer one is refused before anything is written, with the limit", async () => {
  const days = (count: number) => [
    made("long", [
      { offset_ms: 0, rss_bytes: 1 },
      { offset_ms: count * DAY_MS, rss_bytes: 2 },
    ]),
  ];
  const { folder } = await replayed(days(30));
  deepEqual(await times(folder), [-30 * 86_400, 0]);

  const empty = mkdtempSync(join(tmpdir(), "tidemark-replay-"));
  const limit = /spans 31\.0 days, the converter takes rows up to 30\.0 days old/;
  await rejects(replayInto(empty, days(31)), limit);
  await rejects(replayInto(empty, days(15.5), { stretch: 2 }), limit);
  await rejects(replayInto(empty, days(31 / 3), { repeat: 2 }), limit);
  deepEqual(readdirSync(empty), []);
});

test("the same replay again adds nothing; another one into the same folder, with the same end, loses nothing", async () => {
  const one = [made("one", minuteRows(5))];
  const two = [made("two", minuteRows(5))];
  const { folder } = await replayed(one);
  await replayInto(folder, one);
  deepEqual(await ask(folder, "SELECT count(*) FROM process_samples"), [[5]]);
  await replayInto(folder, two);
  await replayInto(folder, one, { stretch: 2 });
  deepEqual(
    await ask(folder, "SELECT service, count(*), count(DISTINCT process_key) FROM process_samples GROUP BY ALL ORDER BY ALL"),
    [
      ["one", 10, 2],
      ["two", 5, 1],
    ],
  );
});
