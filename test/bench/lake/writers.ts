// The same raw object written to Parquet by the libraries that could do it for us: rows for their row APIs, columns for the others.
// Each gets what suits it best; nobody sorts but us, and no value is checked but by us. Pipelines are this file's, the libraries are as they come.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, gunzipSync, zstdCompressSync } from "node:zlib";
import { ParquetWriter } from "@dsnp/parquetjs";
import { ByteWriter, parquetWrite, parquetWriteRows } from "hyparquet-writer";
import { Compression, readParquet, type Table, WriterPropertiesBuilder, writeParquet } from "parquet-wasm";
import type { PackedTable } from "../../../functions/core/pack-tables.ts";
import { parquetSchema } from "../../../functions/core/parquet/schema.ts";
import { writePacked } from "../../../functions/core/parquet/write.ts";
import { readRawObject } from "../../../functions/core/raw-object.ts";
import { partitionRows } from "../../../functions/core/sort-rows.ts";
import { type Column, processColumns, type Value } from "../../../schema/columns.ts";
import type { WireBatch } from "../../../schema/wire.ts";
import type { BenchRow } from "../row.ts";
import { convert } from "./conversion.ts";
import { ARRIVED_AT_MS, makeInput } from "./input.ts";
import { inTurn, type Run, speeds } from "./measure.ts";

/** 100,000 rows. */
const HOSTS = 100;
/** A round of the slowest takes half a minute. */
const ROUNDS = 2;

const columns: readonly [string, Column][] = Object.entries(processColumns);

export async function benchWriters(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const { rowCount, rawPath } = await makeInput(folder, HOSTS);
  const raw = readFileSync(rawPath);
  rmSync(folder, { recursive: true });
  const packed = await packedRows(raw);
  const columnsInOrder = partitionRows("process", packed)[0]?.rows ?? new Uint32Array(0);
  const parquet = writePacked(packed);

  const pipelines = await inTurn(ROUNDS, {
    ours: () => convert(raw),
    parquetjs: () => writeWithParquetjs(parseBatches(raw)),
    hyparquetRows: () => writeRowsWithHyparquet(parseBatches(raw)),
    hyparquetColumns: () => writeColumnsWithHyparquet(parseBatches(raw)),
  });
  // parquet-wasm takes Arrow alone, and each write eats its table: they are made before the clock starts.
  const tables = Array.from({ length: ROUNDS + 1 }, () => readParquet(parquet));
  const writing = await inTurn(ROUNDS, {
    ours: () => writePacked(packed, { rows: columnsInOrder }).length,
    wasm: () => writeWithWasm(tables.pop()),
  });
  const against = (theirs: readonly Run[], peer: string, target: number | null) =>
    speeds(pipelines.ours, theirs, rowCount, { name: "100k rows: raw object to Parquet", peer, target });
  return [
    against(pipelines.parquetjs, "@dsnp/parquetjs, rows, uncompressed (it has no ZSTD)", 8),
    against(pipelines.hyparquetRows, "hyparquet-writer, rows, ZSTD", null),
    against(pipelines.hyparquetColumns, "hyparquet-writer, typed columns, ZSTD", null),
    speeds(writing.ours, writing.wasm, rowCount, {
      name: "100k rows: columns in memory to Parquet",
      peer: "parquet-wasm, from Arrow in its own memory, ZSTD",
      target: null,
    }),
  ];
}

/** What every reader of the raw object must do at least. */
const parseBatches = (raw: Buffer): readonly WireBatch[] =>
  gunzipSync(raw)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as WireBatch);

type PeerRow = Record<string, Value | Date | bigint | readonly bigint[]>;

/** `asValue` makes of a value what the peer takes; absent values are left out. */
function* rowsOf(
  batches: readonly WireBatch[],
  asValue: (value: Value, column: Column) => PeerRow[string],
): Generator<PeerRow> {
  for (const { host, k } of batches) {
    const { n, c } = k.process ?? { n: 0, c: {} };
    for (let row = 0; row < n; row++) {
      const made: PeerRow = {};
      for (const [name, column] of columns) {
        const value = (column.perBatch ? host[name] : c[name]?.[row]) ?? null;
        if (value !== null) made[name] = asValue(value, column);
      }
      yield made;
    }
  }
}

async function writeWithParquetjs(batches: readonly WireBatch[]): Promise<number> {
  let bytes = 0;
  const out = {
    write: (part: Buffer, done: () => void) => {
      bytes += part.length;
      done();
    },
    end: (done: () => void) => done(),
  };
  const writer = await ParquetWriter.openStream(parquetSchema("process"), out as never, { rowGroupSize: 122_880 } as never);
  for (const row of rowsOf(batches, (value, { type }) => (type === "int64[]" ? listOf(value) : value) as Value)) {
    await writer.appendRow(row);
  }
  await writer.close();
  return bytes;
}

/** The three levels of a list as parquetjs takes them. */
const listOf = (value: Value): Value =>
  ({ list: (value as readonly number[]).map((element) => ({ element })) }) as unknown as Value;

/** Level 1, as ours. */
const zstd = (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
const hyparquetOptions = { codec: "ZSTD", compressors: { ZSTD: zstd }, rowGroupSize: 122_880 } as const;

/** Lists go as JSON: the library's own lists need a schema by hand, which would not be faster. */
const hyparquetTypes = {
  string: "STRING",
  int64: "INT64",
  double: "DOUBLE",
  timestamp: "TIMESTAMP",
  "int64[]": "JSON",
} as const;
const hyparquetValue = (value: Value, { type }: Column): PeerRow[string] => {
  if (type === "int64") return BigInt(value as number);
  return type === "timestamp" ? new Date(value as number) : value;
};

function writeRowsWithHyparquet(batches: readonly WireBatch[]): number {
  const writer = new ByteWriter();
  parquetWriteRows({
    writer,
    rows: rowsOf(batches, hyparquetValue),
    columns: columns.map(([name, { type }]) => ({ name, type: hyparquetTypes[type] })),
    ...hyparquetOptions,
  });
  return writer.getBuffer().byteLength;
}

/** Columns that are whole numbers without a gap go as typed arrays, which is its fast way. */
function writeColumnsWithHyparquet(batches: readonly WireBatch[]): number {
  const writer = new ByteWriter();
  const rowCount = batches.reduce((sum, { k }) => sum + (k.process?.n ?? 0), 0);
  const columnData = columns.map(([name, column]) => {
    const values = new Array<Value>(rowCount).fill(null);
    let at = 0;
    let isFull = true;
    for (const { host, k } of batches) {
      const { n, c } = k.process ?? { n: 0, c: {} };
      const given = c[name];
      for (let row = 0; row < n; row++) {
        const value = (column.perBatch ? host[name] : given?.[row]) ?? null;
        if (value === null) isFull = false;
        values[at++] = value;
      }
    }
    const isCount = column.type === "int64" || column.type === "timestamp";
    const data =
      isFull && isCount
        ? BigInt64Array.from(values as number[], BigInt)
        : values.map((value) => (value === null ? null : hyparquetValue(value, column)));
    const type = isFull && isCount ? "INT64" : hyparquetTypes[column.type];
    return { name, data: data as never, type, nullable: !isFull } as const;
  });
  parquetWrite({ writer, columnData, ...hyparquetOptions });
  return writer.getBuffer().byteLength;
}

function writeWithWasm(table: Table | undefined): number {
  if (table === undefined) throw new Error("there is no table left");
  const properties = new WriterPropertiesBuilder().setCompression(Compression.ZSTD).build();
  return writeParquet(table, properties).length;
}

/** All rows as columns, as they arrived. */
async function packedRows(raw: Buffer): Promise<PackedTable> {
  const { parts } = readRawObject(Readable.from([raw]), { key: "raw/bench", arrivedAtMs: ARRIVED_AT_MS });
  for await (const tables of parts) return tables.process;
  throw new Error("the raw object has no rows");
}
