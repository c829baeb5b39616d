// Reads Parquet back with two readers that know nothing of our writer, and brings their values to one form.
// What the values should be is left to the tests.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, DuckDBListValue, DuckDBTimestampValue, type DuckDBValue } from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { ColumnTable, Value } from "../../../../schema/columns.ts";

export type ReadRow = Readonly<Record<string, Value>>;

/** Rows of a query over the file, which the query calls `t`. */
export async function queryWithDuckdb(bytes: Uint8Array, query = "SELECT * FROM t"): Promise<ReadRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-parquet-"));
  try {
    const path = join(folder, "t.parquet");
    writeFileSync(path, bytes);
    const duckdb = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
    await duckdb.run(`CREATE VIEW t AS SELECT * FROM read_parquet('${path}')`);
    const result = await duckdb.runAndReadAll(query.replaceAll("$path", path));
    const rows = result.getRowObjects().map((row) => mapValues(row, fromDuckdb));
    duckdb.closeSync();
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function readWithHyparquet(bytes: Uint8Array): Promise<ReadRow[]> {
  const file = new Uint8Array(bytes).buffer;
  const rows = (await parquetReadObjects({ file, compressors })) as Record<string, unknown>[];
  return rows.map((row) => mapValues(row, fromHyparquet));
}

/** The rows of a table in the order of `rows`, every column named, absent ones null. */
export function rowsOf({ rowCount, columns }: ColumnTable, names: readonly string[]): ReadRow[] {
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(names.map((name) => [name, columns[name]?.[row] ?? null])),
  );
}

const mapValues = <T>(row: Readonly<Record<string, T>>, map: (value: T) => Value): ReadRow =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, map(value)]));

function fromDuckdb(value: DuckDBValue): Value {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return exactNumber(value);
  if (value instanceof DuckDBTimestampValue) return exactNumber(value.micros / 1_000n);
  if (value instanceof DuckDBListValue) return value.items.map((item) => fromDuckdb(item) as number);
  throw new Error(`a value that no column of ours can have: ${String(value)}`);
}

function fromHyparquet(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "bigint") return exactNumber(value);
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) return value.map((item) => fromHyparquet(item) as number);
  throw new Error(`a value that no column of ours can have: ${String(value)}`);
}

function exactNumber(value: bigint): number {
  const number = Number(value);
  if (BigInt(number) !== value) throw new Error(`${value} is beyond 2^53`);
  return number;
}
