// How much CPU time the converter's core takes from a raw object to Parquet, beside DuckDB doing the same with NDJSON.
// Printing and judging are left to the runner; the input is made, so that every machine measures the same work.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { lakeFiles } from "../../functions/core/lake-files.ts";
import { readRawObject } from "../../functions/core/raw-object.ts";
import { type Column, processColumns } from "../../schema/columns.ts";
import { gzipMember, hostOf, processesOnly, processSample } from "../functions/process-samples.ts";
import type { BenchRow } from "./row.ts";

const HOSTS = 20;
const PROCESSES = 200;
const MINUTES = 25;
const ROWS = HOSTS * PROCESSES * MINUTES;
const MEMBER_MINUTES = 5;
const ROUNDS = 7;
const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);

/** 100,000 process rows of 20 hosts, 1,000 rows a member, against `read_json` and `COPY` with one thread. */
export async function benchConvert(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const { raw, ndjson } = makeInput();
    const source = join(folder, "rows.ndjson.gz");
    writeFileSync(source, gzipSync(ndjson));
    const duckdb = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();

    const ours: Measured[] = [];
    const theirs: Measured[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const convert = await measure(() => convertRaw(raw));
      const copy = await measure(() => copyWithDuckdb(duckdb, source, join(folder, "peer.parquet")));
      // The first round warms both up: one compiles, the other fills its allocator.
      if (round === 0) continue;
      ours.push(convert);
      theirs.push(copy);
    }
    duckdb.closeSync();
    return [
      compare("convert: rows per CPU second", "rows/s", ours, theirs, ({ cpuMs }) => (ROWS / cpuMs) * 1_000, 1),
      compare("convert: Parquet size", "bytes", ours, theirs, ({ bytes }) => bytes, 1),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeInput(): { raw: Buffer; ndjson: string } {
  const members: Buffer[] = [];
  const lines: string[] = [];
  for (let minute = 0; minute < MINUTES; minute += MEMBER_MINUTES) {
    for (let host = 0; host < HOSTS; host++) {
      // The collector sorts a flush by process, which is what makes column JSON small.
      const samples = Array.from({ length: PROCESSES * MEMBER_MINUTES }, (_, at) =>
        processSample(host, Math.floor(at / MEMBER_MINUTES), minute + (at % MEMBER_MINUTES), ARRIVED_AT_MS),
      );
      members.push(gzipMember(hostOf(host), processesOnly(samples)));
      for (const sample of samples) lines.push(JSON.stringify({ ...hostOf(host), ...sample }));
    }
  }
  return { raw: Buffer.concat(members), ndjson: `${lines.join("\n")}\n` };
}

async function convertRaw(raw: Buffer): Promise<number> {
  let bytes = 0;
  for await (const tables of readRawObject(Readable.from([raw]), { key: "raw/bench", arrivedAtMs: ARRIVED_AT_MS }).parts) {
    for (const file of lakeFiles(tables, "bench")) bytes += file.bytes.length;
  }
  return bytes;
}

/** Column types are given, which spares DuckDB the sniffing; it does not sort, and we do. */
async function copyWithDuckdb(duckdb: DuckDBConnection, source: string, target: string): Promise<number> {
  if (existsSync(target)) rmSync(target);
  const columns: [string, Column][] = Object.entries(processColumns);
  const types = { string: "VARCHAR", int64: "BIGINT", double: "DOUBLE", timestamp: "BIGINT", "int64[]": "BIGINT[]" };
  const struct = columns.map(([name, { type }]) => `${name}: '${types[type]}'`).join(", ");
  const selected = columns.map(([name, { type }]) => (type === "timestamp" ? `epoch_ms(${name}) AS ${name}` : name)).join(", ");
  await duckdb.run(
    `COPY (SELECT ${selected} FROM read_json('${source}', format = 'newline_delimited', columns = {${struct}}))
     TO '${target}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  return statSync(target).size;
}

interface Measured {
  readonly cpuMs: number;
  readonly bytes: number;
}

async function measure(work: () => Promise<number>): Promise<Measured> {
  const before = process.cpuUsage();
  const bytes = await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1_000, bytes };
}

/** The ratio is the median of the rounds' own ratios: neighbours on the machine slow both halves of a round alike. */
function compare(
  name: string,
  unit: string,
  ours: readonly Measured[],
  theirs: readonly Measured[],
  figure: (measured: Measured) => number,
  target: number,
): BenchRow {
  const larger = unit === "bytes" ? -1 : 1;
  const ratios = ours.map((our, round) => (figure(our) / figure(theirs[round] ?? our)) ** larger);
  return {
    name,
    value: Math.round(median(ours.map(figure))),
    unit,
    peer: "DuckDB read_json, COPY, zstd, 1 thread",
    peer_value: Math.round(median(theirs.map(figure))),
    ratio: Math.round(median(ratios) * 100) / 100,
    target,
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
