// The lake that the weekly report's benchmark multiplies: two weeks of a hundred hosts with ten processes each, of 120 services.
// One hour goes through the real pipeline; the other hours are its rolled-up rows again, moved as traffic and a week move them.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { causeNames } from "../../../functions/core/causes.ts";
import { findingTable } from "../../../functions/core/finding-table.ts";
import { writeParquet } from "../../../functions/core/parquet/write.ts";
import { type Column, type Finding, type ProcessSample, tables } from "../../../schema/columns.ts";
import { HOUR_MS, lakeKey, partitionOf } from "../../../schema/keys.ts";
import { hostOf, processSample } from "../../functions/process-samples.ts";
import { type Delivered, lakeFolder } from "../../support/lake.ts";
import { collectorSample, hostSample, samples } from "../../support/samples.ts";

export const SOURCE_HOSTS = 100;
const PROCESSES = 10;
const SERVICES = 120;
export const HOURS = 14 * 24;
export const END_MS = Date.UTC(2026, 10, 23);
const LAST_HOUR_MS = END_MS - HOUR_MS;
const DAY_MINUTES = 24 * 60;
const MIB = 1_024 * 1_024;
/** One that the table of prices does not have, and one host of which nothing is known. */
const TYPES = ["m7g.2xlarge", "r7g.xlarge", "c6i.4xlarge", "m6i.2xlarge", "m5.xlarge", "x9z.large", null];
const NAMES = ["checkout", "search", "cart", "sessions", "ads", "billing", "images", "recommendations", "ledger", "gateway"];

/** Folder of the lake; who asked for it removes it. */
export async function sourceLake(): Promise<string> {
  const folder = await lakeFolder(
    Array.from({ length: SOURCE_HOSTS }, (_, host) => delivery(host)),
    END_MS,
    true,
  );
  rmSync(join(folder, "raw"), { recursive: true, force: true });
  await multiplyHours(folder);
  putFindings(folder);
  return folder;
}

/** What a host sent: its processes in the last hour, itself and its collector for a day. */
function delivery(host: number): Delivered {
  const instance_type = TYPES[host % TYPES.length] ?? null;
  const minutes = Array.from({ length: DAY_MINUTES }, (_, minute) => minute);
  const at = (minute: number) => END_MS - (DAY_MINUTES - minute) * 60_000;
  // One host in fifty went silent, and one in fifty drops rows.
  const seen = host % 50 === 7 ? minutes.filter((minute) => minute < DAY_MINUTES - 120) : minutes;
  return {
    host: { ...hostOf(host), ...(instance_type === null ? {} : { instance_type }), region: "eu-central-1" },
    samples: samples({
      process: Array.from({ length: PROCESSES * 60 }, (_, row) => process(host, Math.floor(row / 60), row % 60)),
      host: seen.map((minute) =>
        hostSample({
          sequence: 2_000_000 + minute,
          sampled_at: at(minute),
          mem_total_bytes: 32 * 1_024 * MIB,
          mem_available_bytes: (8_000 + ((host * 37 + minute) % 900)) * MIB,
        }),
      ),
      collector: seen.map((minute) =>
        collectorSample({
          sequence: 3_000_000 + minute,
          sampled_at: at(minute),
          process_count: PROCESSES,
          process_denied_count: 0,
          row_count: PROCESSES + 2,
          row_dropped_count: host % 50 === 9 ? 3 : 0,
          delivery_failure_count: 0,
          spool_row_count: 40,
          detail_dropped_count: 0,
        }),
      ),
    }),
  };
}

/** One service in twelve has no figures of its heap, for one of three reasons. */
function process(host: number, index: number, minute: number): ProcessSample {
  const row = processSample(host, index, minute, LAST_HOUR_MS);
  const service = (host * PROCESSES + index) % SERVICES;
  const named = {
    ...row,
    service: `${NAMES[service % NAMES.length]}-${Math.floor(service / NAMES.length)}`,
    free_resident_bytes: row.free_bytes ?? null,
    reclaimable_bytes: Math.floor((row.free_bytes ?? 0) * (0.1 + (service % 8) / 10)),
  };
  if (service % 12 !== 5) return named;
  const none = Object.fromEntries(
    ["live_bytes", "free_bytes", "free_resident_bytes", "reclaimable_bytes"].map((name) => [name, null]),
  );
  const reason = ["no_shim", "denied", "layout"][Math.floor(service / 12) % 3] ?? "budget";
  return { ...named, ...none, allocator: service % 24 === 5 ? "unknown" : "jemalloc", heap_unknown_reason: reason };
}

const columns: readonly [string, Column][] = Object.entries(tables.process_hour);

/** The day's wave, and a second week in which every tenth service holds half as much again. */
async function multiplyHours(folder: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const duckdb = await instance.connect();
  await duckdb.run(`CREATE TABLE made AS SELECT * FROM read_parquet('${join(folder, "lake/process_hour/*/*/*.parquet")}')`);
  for (let back = 1; back < HOURS; back++) {
    const hourMs = LAST_HOUR_MS - back * HOUR_MS;
    const target = join(folder, lakeKey("process_hour", partitionOf(hourMs), "made"));
    mkdirSync(dirname(target), { recursive: true });
    const wave = 0.8 + 0.2 * Math.sin((((hourMs / HOUR_MS) % 24) / 24) * 2 * Math.PI);
    const selected = columns.map(([name, { type, unit }], at) => {
      if (name === "hour") return `hour - to_hours(${back}) AS hour`;
      if (type !== "int64" || unit !== "bytes") return name;
      const grown =
        back >= HOURS / 2 && name.startsWith("free_") ? "CASE WHEN hash(service) % 10 = 0 THEN 0.66 ELSE 1 END" : "1";
      const noise = `(0.97 + (hash(host_id, pid, ${back}, ${at}) % 4096) / 65536.0)`;
      return `CAST(floor(${name} * ${wave} * ${noise} * ${grown} / 16) * 16 AS BIGINT) AS ${name}`;
    });
    await duckdb.run(`COPY (SELECT ${selected.join(", ")} FROM made) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`);
  }
  duckdb.closeSync();
  instance.closeSync();
}

/** As detection files them: of every service one or two. */
export function putFindings(folder: string): void {
  const causes = causeNames().filter((cause) => ["leak", "fragmentation", "retention", "arena_bloat"].includes(cause));
  const findings = Array.from({ length: SERVICES }, (_, index): Finding => {
    const firstMs = END_MS - (index % 20) * 24 * HOUR_MS;
    return {
      found_at: END_MS,
      finding_id: `finding-${index}`,
      service: `${NAMES[index % NAMES.length]}-${Math.floor(index / NAMES.length)}`,
      environment: "replayed",
      cause: causes[index % causes.length] ?? "leak",
      scope: "service",
      detector: "trends",
      state: index % 9 === 0 ? "worse" : "ongoing",
      since: firstMs,
      first_found_at: firstMs,
      class_at: firstMs,
      host_count: 500 + index,
      process_count: 800 + index,
      excess_bytes: ((index * 7_919) % 997) * 64 * MIB,
      reclaimable_bytes: ((index * 7_919) % 997) * 8 * MIB,
      confidence: 0.9,
      evidence: "from peak to valley live bytes went from 900 MiB to 120 MiB, RSS from 1 GiB to 990 MiB",
    };
  });
  const path = join(folder, lakeKey("finding", partitionOf(END_MS), `detect-${END_MS}`));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, writeParquet("finding", findingTable(findings)));
}
