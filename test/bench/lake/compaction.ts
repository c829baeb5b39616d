// An hour that came in many small files, asked before and after the hourly rollup has compacted it.
// What compaction does is functions/ask's; here it is only timed.
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "aws-lambda";
import { windowParameters } from "../../../functions/core/window.ts";
import { createRollupHandler } from "../../../functions/rollup.ts";
import { type Lake, openLake } from "../../../local/duckdb.ts";
import { folderStore } from "../../../local/folder-store.ts";
import { HOUR_MS } from "../../../schema/keys.ts";
import { hostOf, processesOnly, processSample } from "../../functions/process-samples.ts";
import { lakeFolder } from "../../support/lake.ts";
import { type BenchRow, beside, median } from "../row.ts";
import { ARRIVED_AT_MS } from "./input.ts";

/** One raw object each, as a collector without Firehose writes them. */
const OBJECTS = 300;
const PROCESSES = 10;
const MINUTES = 5;
const ROUNDS = 5;

export async function benchCompaction(): Promise<BenchRow[]> {
  const deliveries = Array.from({ length: OBJECTS }, (_, host) => ({
    host: hostOf(host),
    samples: processesOnly(
      Array.from({ length: PROCESSES * MINUTES }, (_, at) =>
        processSample(host, Math.floor(at / MINUTES), at % MINUTES, ARRIVED_AT_MS),
      ),
    ),
  }));
  const folder = await lakeFolder(deliveries, ARRIVED_AT_MS);
  const before = await askHour(folder);
  const startMs = performance.now();
  await compact(folder);
  const compactSeconds = (performance.now() - startMs) / 1_000;
  const after = await askHour(folder);
  rmSync(folder, { recursive: true });
  const name = `an hour of ${OBJECTS} objects, after its rollup and compaction (${compactSeconds.toFixed(1)} s)`;
  return [
    beside(`${name}: files`, "files", after.files, { peer: "before", value: before.files }),
    beside(`${name}: rollup_process_hours over its rows, DuckDB`, "ms", after.ms, { peer: "before", value: before.ms }),
  ];
}

async function compact(folder: string): Promise<void> {
  const lake = await openLake(folder);
  const handler = createRollupHandler({
    queries: lake,
    lake: folderStore(folder),
    bucketSeconds: 3_600,
    report: () => undefined,
  });
  const event = { hoursMs: [ARRIVED_AT_MS], settledMs: ARRIVED_AT_MS + HOUR_MS, runId: "bench" };
  await handler(event, { functionName: "rollup" } as Context);
  lake.close();
}

/** The rows of the hour themselves are asked for, by the query that rolls them up. */
async function askHour(folder: string): Promise<{ files: number; ms: number }> {
  const lake = await openLake(folder);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await timed(lake));
  lake.close();
  return { files: globSync(join(folder, "lake/process/*/*/*.parquet")).length, ms: median(times) };
}

async function timed(lake: Lake): Promise<number> {
  const window = windowParameters({ startMs: ARRIVED_AT_MS, endMs: ARRIVED_AT_MS + HOUR_MS });
  const startMs = performance.now();
  await lake.run("rollup_process_hours", { ...window, hr: new Date(ARRIVED_AT_MS).getUTCHours() });
  return performance.now() - startMs;
}
