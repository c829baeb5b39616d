// A month of a fleet of 10,000 hosts with 10 processes each, from rolled-up hours: bytes scanned and seconds in DuckDB.
// One made hour goes through the real pipeline; its rows are then multiplied, each figure moved a little so that copies do not
// compress better than real rows. It takes minutes and gigabytes once, under ~/.cache/tidemark, and is asked for.
import { existsSync, globSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { views } from "../../../queries/base-views.ts";
import { duckdbMacros, readCatalogue } from "../../../queries/catalogue.ts";
import { type Column, tables } from "../../../schema/columns.ts";
import { HOUR_MS, lakeKey, partitionOf } from "../../../schema/keys.ts";
import { hostOf, processesOnly, processSample } from "../../functions/process-samples.ts";
import { lakeFolder } from "../../support/lake.ts";
import { alone, type BenchRow, lacking } from "../row.ts";

/** Hosts to make, 10,000 for the table in docs/benchmarks.md; without it the part is left out. */
const HOSTS = Number(process.env["TIDEMARK_BENCH_FLEET_HOSTS"] ?? 0);
const PROCESSES = 10;
const HOURS = 30 * 24;
const MADE_HOSTS = 100;
const END_MS = Date.UTC(2026, 10, 23);
const START_MS = END_MS - HOURS * HOUR_MS;
/** Making stops at a whole hour where this is up, and the next run goes on: the rows say how many there are. */
const MAKING_MS_MAX = 10 * 60_000;

export async function benchFleet(): Promise<BenchRow[]> {
  const name = "30 days of a fleet, from rolled-up hours";
  if (HOSTS === 0) return [lacking(name, "s", "it is asked for with TIDEMARK_BENCH_FLEET_HOSTS=10000")];
  const folder = join(homedir(), ".cache", "tidemark", `bench-fleet-${HOSTS}`);
  await makeFleet(folder);
  const files = globSync(join(folder, "lake/process_hour/*/*/*.parquet"));
  const storedBytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const { seconds, rows, services, scannedBytes } = await askFleet(folder);
  const what = `${HOSTS.toLocaleString("en-US")} hosts, ${files.length / 24} days, ${(rows / 1e6).toFixed(1)} M multiplied rows`;
  return [
    alone(`${name}: ${what}: stored`, "GB", storedBytes / 1e9),
    alone(`${name}: fleet_month, ${services} services: scanned`, "GB", scannedBytes / 1e9),
    alone(`${name}: fleet_month, ${services} services: DuckDB, all cores`, "s", seconds),
  ];
}

/** What is there is kept; a hour's file is whole once it has its name. */
async function makeFleet(folder: string): Promise<void> {
  const deadlineMs = Date.now() + MAKING_MS_MAX;
  const targets = Array.from({ length: HOURS }, (_, hour) => {
    const hourMs = START_MS + hour * HOUR_MS;
    return { hour, target: join(folder, lakeKey("process_hour", partitionOf(hourMs), "replay")) };
  }).filter(({ target }) => !existsSync(target));
  if (targets.length === 0) return;
  const made = await makeHour();
  const instance = await DuckDBInstance.create(":memory:");
  const duckdb = await instance.connect();
  await duckdb.run(`CREATE TABLE made AS SELECT * FROM read_parquet('${join(made, "lake/process_hour/*/*/*.parquet")}')`);
  for (const { hour, target } of targets) {
    if (Date.now() > deadlineMs) break;
    mkdirSync(dirname(target), { recursive: true });
    await duckdb.run(`COPY (${multiplied(hour)}) TO '${target}.part' (FORMAT parquet, COMPRESSION zstd)`);
    renameSync(`${target}.part`, target);
  }
  duckdb.closeSync();
  instance.closeSync();
  rmSync(made, { recursive: true });
}

/** A lake with one hour of MADE_HOSTS hosts, rolled up. */
async function makeHour(): Promise<string> {
  const deliveries = Array.from({ length: MADE_HOSTS }, (_, host) => ({
    host: hostOf(host),
    samples: processesOnly(
      Array.from({ length: PROCESSES * 60 }, (_, at) => processSample(host, Math.floor(at / 60), at % 60, START_MS)),
    ),
  }));
  return lakeFolder(deliveries, START_MS + HOUR_MS, true);
}

const columns: readonly [string, Column][] = Object.entries(tables.process_hour);
const copyNames = ["host_id", "host_name", "boot_id", "process_key"];

/** Quantities move by up to a quarter, differently for every copy, hour and column. */
function multiplied(hour: number): string {
  const selected = columns.map(([name, { type, unit }], at) => {
    if (name === "hour") return `hour + INTERVAL ${hour} HOUR AS hour`;
    if (copyNames.includes(name)) return `'replay-' || copy || '-' || ${name} AS ${name}`;
    if (name === "environment") return "'replay' AS environment";
    if (type !== "int64" || (unit !== "bytes" && unit !== "us")) return name;
    const share = `(0.75 + (hash(host_id, pid, copy, ${hour}, ${at}) % 65536) / 131072.0)`;
    return `CAST(floor(${name} * ${share} / 16) * 16 AS BIGINT) AS ${name}`;
  });
  return `SELECT ${selected.join(", ")} FROM made CROSS JOIN range(${HOSTS / MADE_HOSTS}) AS copies(copy) ORDER BY host_id, process_key`;
}

interface FleetAnswer {
  readonly seconds: number;
  readonly rows: number;
  readonly services: number;
  readonly scannedBytes: number;
}

/** The query as it stands, over its views, all cores, files that the machine may still have in memory. */
async function askFleet(folder: string): Promise<FleetAnswer> {
  const spill = join(folder, "spill");
  const instance = await DuckDBInstance.create(":memory:", { temp_directory: spill });
  const duckdb = await instance.connect();
  await duckdb.run(duckdbMacros());
  const files = join(folder, "lake/process_hour/*/*/*.parquet");
  const lake = `read_parquet('${files}', hive_partitioning = true, hive_types = {'dt': VARCHAR, 'hr': INTEGER})`;
  await duckdb.run(`CREATE VIEW process_hour AS SELECT * FROM ${lake}`);
  for (const view of views()) {
    if (view.name === "process_hours" || view.name === "service_hours") {
      await duckdb.run(`CREATE VIEW ${view.name} AS ${view.sql}`);
    }
  }
  const text = (timeMs: number) => new Date(timeMs).toISOString().replace("T", " ").replace("Z", "");
  const window = [text(START_MS), text(END_MS), partitionOf(START_MS).dt, partitionOf(END_MS - 1).dt];
  const startMs = performance.now();
  const answer = await duckdb.runAndReadAll(readCatalogue().get("fleet_month")?.sql ?? "", window);
  const seconds = (performance.now() - startMs) / 1_000;
  const count = await duckdb.runAndReadAll("SELECT count(*) FROM process_hour");
  const scanned = await duckdb.runAndReadAll(
    `SELECT sum(total_compressed_size) FROM parquet_metadata('${files}') WHERE path_in_schema IN (${scannedColumns})`,
  );
  duckdb.closeSync();
  instance.closeSync();
  rmSync(spill, { recursive: true, force: true });
  return {
    seconds,
    rows: Number(count.getRows()[0]?.[0]),
    services: answer.currentRowCount,
    scannedBytes: Number(scanned.getRows()[0]?.[0]),
  };
}

/** The columns that the query needs of the views below it: only their bytes are read, and billed by Athena. */
const scannedColumns = [
  "hour",
  "host_id",
  "process_key",
  "service",
  "environment",
  "rss_bytes_last",
  "rss_bytes_max",
  "live_bytes_last",
  "free_resident_bytes_last",
  "reclaimable_bytes_last",
]
  .map((name) => `'${name}'`)
  .join(", ");
