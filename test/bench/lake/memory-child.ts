// One conversion in a process of its own, whose peak memory it prints: ours part by part, or DuckDB's COPY with one thread.
// Arguments: which of the two, the input, the folder for the output. The files are made by memory.ts.
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lakeFiles, partName } from "../../../functions/core/lake-files.ts";
import { readRawObject } from "../../../functions/core/raw-object.ts";
import { ARRIVED_AT_MS, copyNdjson } from "./input.ts";

const [, , which, source = "", out = ""] = process.argv;

async function main(): Promise<void> {
  mkdirSync(out, { recursive: true });
  await (which === "duckdb" ? copy() : convert());
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  process.stdout.write(JSON.stringify({ rssBytes: peakBytes(), cpuMs: (userCPUTime + systemCPUTime) / 1_000 }));
}

/** VmHWM of this program alone: getrusage's maxrss begins with that of the process that started it (fs/exec.c). */
const peakBytes = (): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? Number.NaN) * 1_024;

async function convert(): Promise<void> {
  const { parts } = readRawObject(createReadStream(source), { key: source, arrivedAtMs: ARRIVED_AT_MS });
  let part = 0;
  for await (const tables of parts) {
    for (const { bytes } of lakeFiles(tables, "bench")) writeFileSync(join(out, `${partName(source, part)}.parquet`), bytes);
    part++;
  }
}

async function copy(): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const duckdb = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
  await duckdb.run(copyNdjson(source, join(out, "peer.parquet")));
}

void main();
