// The rollup on a real engine and a folder: one row per process and hour, replaced when an hour is rolled up again.
import { deepEqual, equal } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Context } from "aws-lambda";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import { createRollupHandler, hoursToRollUp, type RollupEvent, type RollupReport, settledAt } from "../../functions/rollup.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import { stderrLog } from "../../local/log.ts";
import type { ProcessSample } from "../../schema/columns.ts";
import { processHourColumns } from "../../schema/made-columns.ts";
import { lakeFolder } from "../support/lake.ts";
import { hostIdentity, processSample, samples } from "../support/samples.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 23, 9);
const NOW_MS = START_MS + 2 * HOUR_MS;
/** When rows of both hours are late. */
const LATE_MS = NOW_MS + 2 * HOUR_MS;
const minute = (n: number) => START_MS + n * 60_000;

const rows = [
  processSample({
    sequence: 1,
    sampled_at: minute(0),
    rss_bytes: 10,
    rss_bytes_max: 15,
    live_bytes: 8,
    free_bytes: 1,
    anon_bytes: 9,
  }),
  processSample({ sequence: 2, sampled_at: minute(10), rss_bytes: 40, rss_bytes_max: 90, live_bytes: 35, free_bytes: 2 }),
  processSample({ sequence: 3, sampled_at: minute(20), rss_bytes: 30, live_bytes: 5, free_bytes: 20, anon_bytes: 28 }),
  processSample({ sequence: 4, sampled_at: minute(30), rss_bytes: 31, live_bytes: 7, free_bytes: 19 }),
  processSample({ sequence: 5, sampled_at: minute(59), rss_bytes: 32 }),
  processSample({ sequence: 6, sampled_at: minute(60), rss_bytes: 99, live_bytes: 1 }),
  processSample({ sequence: 7, pid: 200, process_key: "11111111-200-9", sampled_at: minute(5), rss_bytes: 3 }),
];

async function rollUp(folder: string, runId: string): Promise<readonly string[]> {
  return (await run(folder, { hoursMs: [START_MS], settledMs: START_MS, runId })).files;
}

async function run(folder: string, event: RollupEvent): Promise<RollupReport> {
  const lake = await openLake(folder);
  const reports: RollupReport[] = [];
  const report = (one: RollupReport) => void reports.push(one);
  try {
    const handler = createRollupHandler({ queries: lake, lake: folderStore(folder), bucketSeconds: 3_600, report });
    await handler(event, {} as Context);
    const [only] = reports;
    if (only === undefined) throw new Error("the handler reported nothing");
    return only;
  } finally {
    lake.close();
  }
}

async function ask(folder: string, sql: string) {
  const lake = await openLake(folder);
  try {
    return (await lake.query(sql)).rows;
  } finally {
    lake.close();
  }
}

test("an hour has one row per process: extremes, ends, and the trough's own figures; no walk leaves those of the heap NULL", async () => {
  const folder = await lakeFolder([{ samples: samples({ process: rows }) }], NOW_MS);
  deepEqual(await rollUp(folder, "a"), ["lake/process_hour/dt=2026-11-23/hr=09/part-00000.parquet"]);
  deepEqual(
    await ask(
      folder,
      `SELECT pid, sample_count, walk_count, rss_bytes_min, rss_bytes_max, rss_bytes_last, live_bytes_first, live_bytes_last, live_bytes_max,
              live_bytes_trough, rss_bytes_trough, anon_bytes_trough, free_bytes_trough
       FROM process_hours ORDER BY pid`,
    ),
    [
      [100, 5, 4, 10, 90, 32, 8, 7, 35, 5, 30, 28, 20],
      [200, 1, 0, 3, null, 3, null, null, null, null, 3, null, null],
    ],
  );
});

test("rolled up again, an hour has the same bytes under the same name, and nothing stays in staging", async () => {
  const folder = await lakeFolder([{ samples: samples({ process: rows }) }], NOW_MS);
  const [key = ""] = await rollUp(folder, "a");
  const first = readFileSync(join(folder, key));
  deepEqual(await rollUp(folder, "b"), [key]);
  equal(first.equals(readFileSync(join(folder, key))), true);
  const staged = readdirSync(join(folder, "staging"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  deepEqual(staged, []);
});

test("a row that arrives late is in the hour after it is rolled up again", async () => {
  const folder = await lakeFolder([{ samples: samples({ process: rows }) }], NOW_MS);
  await rollUp(folder, "a");
  const late = processSample({ sequence: 8, sampled_at: minute(45), rss_bytes: 500, rss_bytes_max: 500 });
  const records = encodeRecords(hostIdentity, samples({ process: [late] })).map(({ bytes }) => bytes);
  await folderDelivery({ folder, name: "late", nowMs: () => NOW_MS }).deliver(records);
  await pendingConverter(folder, { log: stderrLog, report: () => undefined, nowMs: () => NOW_MS }).convertPending();
  await rollUp(folder, "b");
  deepEqual(await ask(folder, "SELECT sample_count, rss_bytes_max FROM process_hours WHERE pid = 100"), [[6, 500]]);
});

test("an hour without rows has no file, and loses the one that it had", async () => {
  const folder = await lakeFolder([], NOW_MS);
  const stale = "lake/process_hour/dt=2026-11-23/hr=09/part-00000.parquet";
  await folderStore(folder).put(stale, Buffer.from("of an earlier run"));
  const lake = await openLake(await lakeFolder([], NOW_MS));
  const store = folderStore(folder);
  const queries = { ...lake, unload: async () => undefined };
  const handler = createRollupHandler({ queries, lake: store, bucketSeconds: 3_600, report: () => undefined });
  await handler({ hoursMs: [START_MS], settledMs: START_MS, runId: "a" }, {} as Context);
  lake.close();
  equal(existsSync(join(folder, stale)), false);
});

test("the file has the columns of process_hour in their order", async () => {
  const folder = await lakeFolder([{ samples: samples({ process: rows }) }], NOW_MS);
  await rollUp(folder, "a");
  const columns = await ask(folder, "SELECT column_name FROM (DESCRIBE process_hour)");
  deepEqual(
    columns.map(([name]) => name),
    [...Object.keys(processHourColumns), "dt", "hr"],
  );
});

/** Delivers each list of rows as a raw object of its own, and converts them. */
async function deliver(folder: string, ...objects: (readonly ProcessSample[])[]): Promise<void> {
  for (const [number, process] of objects.entries()) {
    const records = encodeRecords(hostIdentity, samples({ process })).map(({ bytes }) => bytes);
    await folderDelivery({ folder, name: `object-${number}`, nowMs: () => NOW_MS }).deliver(records);
  }
  await pendingConverter(folder, { log: stderrLog, report: () => undefined, nowMs: () => LATE_MS }).convertPending();
}

const keysBelow = (folder: string, prefix: string) => Array.fromAsync(folderStore(folder).list(prefix));

test("an hour that is over when rows come for it is rolled up again by the next run, whichever hours that is about", async () => {
  const folder = await lakeFolder([], NOW_MS);
  await deliver(folder, rows);
  equal((await keysBelow(folder, "late/")).length, 2, "rows of two hours, both long over");
  const event = { hoursMs: [], settledMs: START_MS, runId: "a" };
  const { hours, lateHours, lateHoursLeft } = await run(folder, event);
  deepEqual([hours, lateHours, lateHoursLeft], [2, 2, 0]);
  deepEqual(await ask(folder, "SELECT count(*), sum(sample_count) FROM process_hours"), [[3, 7]]);
  deepEqual(await keysBelow(folder, "late/"), []);
  deepEqual((await run(folder, event)).hours, 0);
});

test("a settled hour in many files is written anew in one, with every row once; an unsettled one and one in few files stay", async () => {
  const folder = await lakeFolder([], NOW_MS);
  const others = rows.map((row) => [{ ...row, sequence: row.sequence + 100 }]);
  await deliver(folder, ...rows.map((row) => [row]), ...others, rows);
  const nine = "lake/process/dt=2026-11-23/hr=09/";
  const before = await keysBelow(folder, nine);
  const count = "SELECT count(*), count(DISTINCT sequence), sum(rss_bytes) FROM process_samples";
  const counted = await ask(folder, count);
  equal((await run(folder, { hoursMs: [START_MS], settledMs: START_MS, runId: "a" })).filesCompacted, 0);
  deepEqual(await keysBelow(folder, nine), before);
  const ten = await keysBelow(folder, "lake/process/dt=2026-11-23/hr=10/");

  const settled = { hoursMs: [START_MS, START_MS + HOUR_MS], settledMs: NOW_MS, runId: "b" };
  equal((await run(folder, settled)).filesCompacted, before.length - 1);
  equal((await keysBelow(folder, nine)).length, 1);
  deepEqual(await keysBelow(folder, "lake/process/dt=2026-11-23/hr=10/"), ten);
  deepEqual(await ask(folder, count), counted);
  deepEqual(
    await ask(folder, "SELECT count(*) FROM process WHERE hr = 9"),
    await ask(folder, "SELECT count(*) FROM process_samples WHERE hr = 9"),
  );
  deepEqual(await keysBelow(folder, "staging/"), []);
});

test("an hour is settled after its second scheduled rollup", () => {
  equal(settledAt(START_MS + 10 * 60_000), START_MS - HOUR_MS);
});

test("a schedule rolls up the last whole hour and the one before it", () => {
  deepEqual(hoursToRollUp(START_MS + 10 * 60_000), [START_MS - HOUR_MS, START_MS - 2 * HOUR_MS]);
  deepEqual(hoursToRollUp(START_MS), [START_MS - HOUR_MS, START_MS - 2 * HOUR_MS]);
});
