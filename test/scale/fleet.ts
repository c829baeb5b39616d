// A large fleet's lake, made from little: recorded traces stretched over the days and rolled up by the pipeline, then every hour of
// them on many hosts; and a day of minutes of fewer hosts, whose first hour went through the converter.
// Asking it is the runner's. What is there is kept: a file is whole once it has its name.
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import { pendingConverter } from "../../local/convert-pending.ts";
import { conversionTotals, stderrLog } from "../../local/log.ts";
import { replayTraces } from "../../local/replay/replay-traces.ts";
import { parseTrace, readTraceText } from "../../local/replay/trace.ts";
import { rollUpLocally } from "../../local/roll-up-locally.ts";
import { type Column, type TableName, tables } from "../../schema/columns.ts";
import { HOUR_MS, lakeKey, partitionOf } from "../../schema/keys.ts";
import { hostOf, processSample } from "../functions/process-samples.ts";
import { collectorSample, hostSample, samples } from "../support/samples.ts";

export interface FleetSize {
  readonly hosts: number;
  readonly days: number;
  readonly minuteHosts: number;
}

/** The last whole hour of every fleet: results of one day can be compared with another's. */
export const END_MS = Date.UTC(2026, 10, 23);
export const PROCESSES = 30;
const MINUTES = 60;
const CPU_TYPES = ["m7i.xlarge", "r7i.large", "c7i.2xlarge"];

/** A load and what comes after it take 36 minutes in the traces: so many times that is a day, and every hour has a row. */
const STRETCH = 40;

/** Of every five processes one has something: as in a fleet that nobody has looked after. */
const traces = {
  troubled: ["b_c_leak_1", "c_survive_1", "c_redis_glibc_1", "d_c_arenas_1", "e_trimenv_1", "c_py_frag_1"],
  healthy: [
    "a_c_clean_1",
    "a_c_clean_2",
    "a_java_clean_1",
    "a_nginx_1",
    "a_node_clean_1",
    "a_node_clean_2",
    "a_py_clean_1",
    "f_c_cache_1",
    "f_node_lru_1",
    "f_py_lru_1",
    "h_c_clean_tc_1",
    "h_c_clean_tc_2",
  ],
} as const;

/** Hours of `hosts` hosts over `days`; says how far it is through `progress`. */
export async function makeHours(folder: string, { hosts, days }: FleetSize, progress: (text: string) => void): Promise<void> {
  const hours = days * 24;
  const targets = Array.from({ length: hours }, (_, at) => {
    const hourMs = END_MS - (hours - at) * HOUR_MS;
    return { at, hourMs, target: join(folder, lakeKey("process_hour", partitionOf(hourMs), "replay")) };
  }).filter(({ target }) => !existsSync(target));
  if (targets.length === 0) return;
  const template = await templateFolder(days);
  try {
    await withDuckdb(async (duckdb) => {
      await duckdb.run(
        `CREATE TABLE made AS SELECT *, dense_rank() OVER (ORDER BY hour) - 1 AS step FROM read_parquet('${join(template, "lake/process_hour/*/*/*.parquet")}', hive_partitioning = false, union_by_name = true)`,
      );
      const [[steps] = [0]] = (await duckdb.runAndReadAll("SELECT max(step) + 1 FROM made")).getRows();
      for (const [done, { at, hourMs, target }] of targets.entries()) {
        const step = Math.floor((at * Number(steps)) / hours);
        await writeFile(duckdb, target, manyHosts({ hosts, step, hourMs }));
        progress(`hours: ${done + 1} of ${targets.length}`);
      }
    });
  } finally {
    rmSync(template, { recursive: true });
  }
}

/** One host with a process of every trace, played again (as after a restart) until the days are full, rolled up. */
async function templateFolder(days: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-scale-"));
  const places = new URL("../traces/", import.meta.url);
  const names = [...traces.troubled, ...traces.healthy, ...traces.healthy].slice(0, PROCESSES);
  const played = names.map((name, at) => {
    const path = new URL(`${name}.ndjson.gz`, places).pathname;
    const trace = parseTrace(readTraceText(path), path);
    if (!trace.ok) throw new Error(`${name}: ${trace.error}`);
    return { ...trace.value, name: `service-${String(at).padStart(2, "0")}-${name}` };
  });
  const longest = Math.max(...played.map(({ rows }) => rows.at(-1)?.offsetMs ?? 1)) * STRETCH;
  await replayTraces(played, {
    folder,
    endMs: END_MS - HOUR_MS,
    hosts: 1,
    repeat: Math.ceil((days * 24 * HOUR_MS) / longest),
    stretch: STRETCH,
    totals: conversionTotals(),
    progress: () => undefined,
  });
  await rollUpLocally(folder, { startMs: 0, endMs: END_MS }, HOUR_MS / 1_000);
  return folder;
}

const columns: readonly [string, Column][] = Object.entries(tables.process_hour);
const ofCopies = new Set(["host_id", "host_name", "boot_id", "process_key"]);

/** Each copy of a process is larger or smaller than the others, always by the same factor: what happens to it stays what it is. */
function manyHosts({ hosts, step, hourMs }: { hosts: number; step: number; hourMs: number }): string {
  const selected = columns.map(([name, { type, unit }]) => {
    if (name === "hour") return `CAST('${new Date(hourMs).toISOString().slice(0, 19)}' AS TIMESTAMP) AS hour`;
    if (ofCopies.has(name)) return `'scale-' || copy || '-' || ${name} AS ${name}`;
    if (name === "instance_type") return `['${CPU_TYPES.join("', '")}'][1 + copy % ${CPU_TYPES.length}] AS instance_type`;
    if (name === "service_version") return "'v' || (copy % 4) AS service_version";
    if (type !== "int64" || unit !== "bytes") return name;
    return `CAST(floor(${name} * (0.75 + (hash(copy, process_key) % 65536) / 131072.0) / 4096) * 4096 AS BIGINT) AS ${name}`;
  });
  return `SELECT ${selected.join(", ")} FROM made CROSS JOIN range(${hosts}) AS copies(copy) WHERE step = ${step} ORDER BY host_id, process_key`;
}

/** An hour of minutes of these hosts as raw objects; the number of their rows. */
export async function deliverHour(folder: string, { minuteHosts }: FleetSize): Promise<number> {
  const startMs = END_MS - HOUR_MS;
  for (let host = 0; host < minuteHosts; host++) {
    const identity = hostOf(host);
    const delivery = folderDelivery({ folder, name: `scale-${host}`, nowMs: () => END_MS });
    const process = Array.from({ length: PROCESSES * MINUTES }, (_, at) =>
      processSample(host, at % PROCESSES, Math.floor(at / PROCESSES), startMs),
    );
    const minutes = Array.from({ length: MINUTES }, (_, minute) => startMs + minute * 60_000);
    const made = samples({
      process,
      host: minutes.map((sampled_at, minute) => hostSample({ sampled_at, sequence: 1_000_000 + minute })),
      collector: minutes.map((sampled_at, minute) => collectorSample({ sampled_at, sequence: 2_000_000 + minute })),
    });
    await delivery.deliver(encodeRecords(identity, made).map(({ bytes }) => bytes));
  }
  return minuteHosts * (PROCESSES + 2) * MINUTES;
}

export async function convertAll(folder: string): Promise<void> {
  const converter = pendingConverter(folder, { log: stderrLog, report: () => undefined, nowMs: () => END_MS });
  const failures = await converter.convertPending();
  if (failures > 0) throw new Error(`${failures} objects failed to convert`);
}

/** The converted hour once for every hour before it of its day, in one file an hour, as compaction leaves them. */
export async function spreadOverDay(folder: string, progress: (text: string) => void): Promise<void> {
  await withDuckdb(async (duckdb) => {
    for (let back = 1; back < 24; back++) {
      for (const table of ["process", "host", "collector"] as const) {
        const from = join(folder, dirname(lakeKey(table, partitionOf(END_MS - HOUR_MS), "x")), "*.parquet");
        const target = join(folder, lakeKey(table, partitionOf(END_MS - (back + 1) * HOUR_MS), "replay"));
        if (existsSync(target)) continue;
        const shifted = Object.entries<Column>(tables[table as TableName]).map(([name, { type }]) =>
          type === "timestamp" && name !== "process_started_at" ? `${name} - INTERVAL ${back} HOUR AS ${name}` : name,
        );
        const order = table === "process" ? "service, process_key, sampled_at" : "host_id, sampled_at";
        await writeFile(
          duckdb,
          target,
          `SELECT ${shifted.join(", ")} FROM read_parquet('${from}', hive_partitioning = false, union_by_name = true) ORDER BY ${order}`,
        );
      }
      progress(`minutes: ${back} of 23 hours`);
    }
  });
}

async function writeFile(duckdb: DuckDBConnection, target: string, sql: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  await duckdb.run(`COPY (${sql}) TO '${target}.part' (FORMAT parquet, COMPRESSION zstd)`);
  renameSync(`${target}.part`, target);
}

async function withDuckdb(use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: "8GB",
    temp_directory: join(tmpdir(), "tidemark-scale-spill"),
  });
  const connection = await instance.connect();
  try {
    await use(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Files and bytes of a table. */
export function stored(folder: string, table: TableName): { readonly files: number; readonly bytes: number } {
  const files = globSync(join(folder, "lake", table, "*/*/*.parquet"));
  return { files: files.length, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
}
