// The rollup on a real engine and a folder: one row per process and hour, replaced when an hour is rolled up again.
import { deepEqual, equal } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Context } from "aws-lambda";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import { createRollupHandler, hoursToRollUp } from "../../functions/rollup.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import { stderrLog } from "../../local/log.ts";
import { processHourColumns } from "../../schema/made-columns.ts";
import { lakeFolder } from "../support/lake.ts";
import { hostIdentity, processSample, samples } from "../support/samples.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 23, 9);
const NOW_MS = START_MS + 2 * HOUR_MS;
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
  const lake = await openLake(folder);
  try {
    const handler = createRollupHandler({ queries: lake, lake: folderStore(folder), bucketSeconds: 3_600 });
    return await handler({ hoursMs: [START_MS], runId }, {} as Context);
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

test("an hour has one row per process: extremes, ends, and the trough's own figures; no walk leaves NULLs", async () => {
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
      [200, 1, 0, 3, null, 3, null, null, null, null, null, null, null],
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
  await pendingConverter(folder, stderrLog, () => undefined).convertPending();
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
  deepEqual(
    await createRollupHandler({ queries, lake: store, bucketSeconds: 3_600 })(
      { hoursMs: [START_MS], runId: "a" },
      {} as Context,
    ),
    [],
  );
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

test("a schedule rolls up the last whole hour and the one before it", () => {
  deepEqual(hoursToRollUp(START_MS + 10 * 60_000), [START_MS - HOUR_MS, START_MS - 2 * HOUR_MS]);
  deepEqual(hoursToRollUp(START_MS), [START_MS - HOUR_MS, START_MS - 2 * HOUR_MS]);
});
