// The rows that the lake's benchmarks convert: as the collector would send them, and once more as NDJSON for their peers.
// They are made from numbers, so that every machine measures the same work; measuring is left to the others.
import { once } from "node:events";
import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Column, type ColumnType, processColumns } from "../../../schema/columns.ts";
import { sortColumns } from "../../../schema/order.ts";
import { gzipMember, hostOf, processesOnly, processSample } from "../../functions/process-samples.ts";

/** All rows lie in the hour that begins here. */
export const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);
const PROCESSES = 200;
/** Firehose closes an object after five minutes at the latest, so that a large one has many hosts, not many minutes. */
const MINUTES = 5;
const ROWS_PER_HOST = PROCESSES * MINUTES;

export interface Input {
  readonly rowCount: number;
  /** Column JSON, one gzip member a batch. */
  readonly rawPath: string;
  /** The same rows as NDJSON in one gzip member. */
  readonly ndjsonPath: string;
}

/** Writes both files into the folder: 1,000 rows a host, one member each. */
export async function makeInput(folder: string, hosts: number): Promise<Input> {
  const rowCount = hosts * ROWS_PER_HOST;
  const rawPath = join(folder, `${rowCount}.raw.gz`);
  const ndjsonPath = join(folder, `${rowCount}.ndjson.gz`);
  const members: Buffer[] = [];
  const ndjson = createGzip();
  const written = finished(ndjson.pipe(createWriteStream(ndjsonPath)));
  for (let host = 0; host < hosts; host++) {
    // The collector sorts a flush by process, which is what makes column JSON small.
    const samples = Array.from({ length: ROWS_PER_HOST }, (_, at) =>
      processSample(host, Math.floor(at / MINUTES), at % MINUTES, ARRIVED_AT_MS),
    );
    members.push(gzipMember(hostOf(host), processesOnly(samples)));
    const lines = samples.map((sample) => `${JSON.stringify({ ...hostOf(host), ...sample })}\n`).join("");
    if (!ndjson.write(lines)) await once(ndjson, "drain");
  }
  ndjson.end();
  writeFileSync(rawPath, Buffer.concat(members));
  await written;
  return { rowCount, rawPath, ndjsonPath };
}

const columns: readonly [string, Column][] = Object.entries(processColumns);
const duckdbTypes: Readonly<Record<ColumnType, string>> = {
  string: "VARCHAR",
  int64: "BIGINT",
  double: "DOUBLE",
  timestamp: "BIGINT",
  "int64[]": "BIGINT[]",
};

/** DuckDB's way from NDJSON to what we write: sorted, timestamps as such, ZSTD. Types are given, which spares it the sniffing. */
export const copyNdjson = (source: string, target: string): string => {
  const struct = columns.map(([name, { type }]) => `${name}: '${duckdbTypes[type]}'`).join(", ");
  return copySorted(`read_json('${source}', format = 'newline_delimited', columns = {${struct}})`, target);
};

/** The same from our own column JSON: lists are unnested side by side, and a column that a batch lacks is NULL. */
export const copyColumnJson = (source: string, target: string): string => {
  const given = (perBatch: boolean) => columns.filter(([, column]) => (column.perBatch ?? false) === perBatch);
  const fields = (suffix: string, perBatch: boolean) =>
    given(perBatch)
      .map(([name, { type }]) => `${name} ${duckdbTypes[type]}${suffix}`)
      .join(", ");
  const json = `{host: 'STRUCT(${fields("", true)})', k: 'STRUCT(process STRUCT(n BIGINT, c STRUCT(${fields("[]", false)})))'}`;
  const selected = columns.map(([name, { perBatch }]) =>
    perBatch ? `host.${name} AS ${name}` : `unnest(k.process.c.${name}) AS ${name}`,
  );
  const lines = `read_json('${source}', format = 'newline_delimited', maximum_object_size = 67108864, columns = ${json})`;
  return copySorted(`(SELECT ${selected.join(", ")} FROM ${lines})`, target);
};

const copySorted = (source: string, target: string): string => {
  const selected = columns.map(([name, { type }]) => (type === "timestamp" ? `epoch_ms(${name}) AS ${name}` : name));
  return `COPY (SELECT ${selected.join(", ")} FROM ${source} ORDER BY ${sortColumns.process.join(", ")})
    TO '${target}' (FORMAT parquet, COMPRESSION zstd)`;
};
