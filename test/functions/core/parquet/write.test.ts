// The Parquet writer, judged by two independent readers.
// Ordering and partitioning of rows are tested with the converter.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packTable } from "../../../../functions/core/pack-tables.ts";
import { writePacked, writeParquet } from "../../../../functions/core/parquet/write.ts";
import {
  type Column,
  type ColumnTable,
  type ColumnType,
  type TableName,
  tables,
  type Value,
} from "../../../../schema/columns.ts";
import { queryWithDuckdb, readWithHyparquet, rowsOf } from "./readers.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;
const TIME_MS = Date.UTC(2026, 10, 23, 12, 34, 56, 789);
const columnsOf = (table: TableName): [string, Column][] => Object.entries(tables[table]);
const columnNames = (table: TableName): string[] => columnsOf(table).map(([name]) => name);

const plainValue: Record<ColumnType, Value> = { string: "x", int64: 1, double: 0.5, timestamp: TIME_MS, "int64[]": [1] };

/** A process table in which only the required columns and the given ones have values. */
function processTable(rowCount: number, given: Readonly<Record<string, readonly Value[]>>): ColumnTable {
  const required = columnsOf("process").filter(([, column]) => column.required);
  const filled = required.map(([name, { type }]) => [name, new Array<Value>(rowCount).fill(plainValue[type])] as const);
  return { rowCount, columns: { ...Object.fromEntries(filled), ...given } };
}

const groups = (table: ColumnTable, groupRowsMax: number) => writePacked(packTable("process", table), { groupRowsMax });

const cases: { name: string; column: string; values: readonly Value[] }[] = [
  { name: "one row", column: "rss_bytes", values: [4_096] },
  { name: "a column that is null in every row", column: "rss_bytes", values: [null, null, null] },
  { name: "integers from 0 to 2^53-1", column: "rss_bytes", values: [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 - 1, LARGEST, null] },
  { name: "an integer dictionary with gaps", column: "rss_bytes", values: [7, 7, null, 9, 9, 7, 7, null, 2 ** 40, 7, 9, 9] },
  { name: "the empty text beside null", column: "comm", values: ["", null, "", "a"] },
  { name: "texts of one, two, three and four bytes a character", column: "comm", values: ["a", "ä", "€", "😀", "aä€😀", null] },
  { name: "a text dictionary of one entry", column: "comm", values: ["node", "node", "node", "node"] },
  { name: "a text with a zero byte and a quote", column: "comm", values: ["a\0b", 'x"y', "'"] },
  { name: "timestamps to the millisecond", column: "process_started_at", values: [0, TIME_MS, null, TIME_MS + 1] },
  { name: "lists: null, empty, filled", column: "free_bytes_by_size", values: [null, [], [1], [0, LARGEST, 0], null, []] },
  { name: "lists that are all empty", column: "free_bytes_by_size", values: [[], [], []] },
  {
    name: "a dictionary of thousands",
    column: "rss_bytes",
    values: upTo(8_000).map((at, row) => ((at + row * 37) % 3_000) * 4_096),
  },
  {
    name: "a text dictionary of thousands",
    column: "comm",
    values: upTo(8_000).map((at, row) => `c${(at + row * 37) % 3_000}`),
  },
  { name: "texts that never repeat", column: "comm", values: upTo(5_000).map((_, row) => `ü${row}`) },
  { name: "a long run, then a long change", column: "vma_count", values: [...new Array(1_000).fill(5), ...upTo(1_000), null] },
];

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at % 250);
}

for (const { name, column, values } of cases) {
  test(`both readers give back ${name}`, async () => {
    const table = processTable(values.length, { [column]: values });
    const expected = rowsOf(table, columnNames("process"));
    for (const groupRowsMax of [values.length, Math.ceil(values.length / 3)]) {
      const bytes = groups(table, groupRowsMax);
      deepEqual(await queryWithDuckdb(bytes), expected);
      deepEqual(await readWithHyparquet(bytes), expected);
    }
  });
}

test("a file of many row groups keeps every row and its order", async () => {
  const rowCount = 10_000;
  const sequence = Array.from({ length: rowCount }, (_, row) => row);
  const bytes = groups(processTable(rowCount, { sequence }), 1_000);
  const [counted] = await queryWithDuckdb(bytes, "SELECT COUNT(DISTINCT row_group_id) AS n FROM parquet_metadata('$path')");
  deepEqual(counted, { n: 10 });
  deepEqual(
    (await queryWithDuckdb(bytes, "SELECT sequence FROM t")).map((row) => row["sequence"]),
    sequence,
  );
});

test("a table without rows is a file without rows", async () => {
  deepEqual(await queryWithDuckdb(groups(processTable(0, {}), 10)), []);
});

test("a table that lacks a required column is refused, not written as null", () => {
  throws(() => writeParquet("process", { rowCount: 1, columns: {} }), /process: required column host_id is missing/);
});

test("timestamps are TIMESTAMP, lists BIGINT[], required columns REQUIRED", async () => {
  const bytes = groups(processTable(1, {}), 1);
  const types = "SELECT typeof(sampled_at) AS sampled_at, typeof(free_bytes_by_size) AS bins, typeof(pid) AS pid FROM t";
  deepEqual(await queryWithDuckdb(bytes, types), [{ sampled_at: "TIMESTAMP", bins: "BIGINT[]", pid: "BIGINT" }]);
  const repetition = "SELECT name, repetition_type FROM parquet_schema('$path') WHERE name IN ('pid', 'rss_bytes')";
  deepEqual(await queryWithDuckdb(bytes, repetition), [
    { name: "pid", repetition_type: "REQUIRED" },
    { name: "rss_bytes", repetition_type: "OPTIONAL" },
  ]);
});

test("every chunk is ZSTD and has statistics; without a value there is no min", async () => {
  const bytes = groups(processTable(3, { rss_bytes: [5, null, 3], comm: [null, null, null] }), 3);
  const chunks = await queryWithDuckdb(
    bytes,
    `SELECT path_in_schema AS path, compression, stats_null_count AS nulls, stats_min_value AS min, stats_max_value AS max
     FROM parquet_metadata('$path')`,
  );
  equal(chunks.length, columnNames("process").length);
  ok(chunks.every((chunk) => chunk["compression"] === "ZSTD" && chunk["nulls"] !== null));
  const chunkOf = (path: string) => chunks.find((chunk) => chunk["path"] === path);
  deepEqual(chunkOf("rss_bytes"), { path: "rss_bytes", compression: "ZSTD", nulls: 1, min: "3", max: "5" });
  deepEqual(chunkOf("comm"), { path: "comm", compression: "ZSTD", nulls: 3, min: null, max: null });
});

test("text statistics follow the order of UTF-8 bytes, not of UTF-16 units", async () => {
  // U+1F600 is a surrogate pair, d83d de00, so JavaScript sorts it before U+FFFD; in UTF-8 it comes after.
  const bytes = groups(processTable(2, { comm: ["\u{1f600}", "\ufffd"] }), 2);
  const query = "SELECT stats_max_value AS max FROM parquet_metadata('$path') WHERE path_in_schema = 'comm'";
  deepEqual(await queryWithDuckdb(bytes, query), [{ max: "\u{1f600}" }]);
});

test("a filter that skips row groups finds what a scan finds", async () => {
  const comms = ["a", "ä", "z", "\ufffd", "\u{1f600}", "", null, "zz"];
  const sizes = [0, 1, 2 ** 31, 2 ** 32, LARGEST, null, 4_096, 7];
  const rowCount = 400;
  const pick = <T>(from: readonly T[], row: number) => from[Math.floor(row / 25 + (row % 3)) % from.length] as T;
  const comm = Array.from({ length: rowCount }, (_, row) => pick(comms, row));
  const rss_bytes = Array.from({ length: rowCount }, (_, row) => pick(sizes, row + 100));
  const bytes = groups(processTable(rowCount, { comm, rss_bytes }), 7);
  const matches = async (filter: string) =>
    (await queryWithDuckdb(bytes, `SELECT COUNT(*) AS n FROM t WHERE ${filter}`))[0]?.["n"];
  for (const wanted of comms) {
    const expected = comm.filter((value) => value === wanted).length;
    equal(await matches(wanted === null ? "comm IS NULL" : `comm = '${wanted}'`), expected);
  }
  for (const wanted of sizes) {
    if (wanted === null) continue;
    equal(await matches(`rss_bytes = ${wanted}`), rss_bytes.filter((value) => value === wanted).length);
    equal(await matches(`rss_bytes > ${wanted}`), rss_bytes.filter((value) => value !== null && value > wanted).length);
  }
});

test("the same table gives the same bytes", () => {
  const table = processTable(5_000, { vma_count: upTo(5_000), comm: upTo(5_000).map(String) });
  ok(groups(table, 1_000).equals(groups(table, 1_000)));
});

const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "node", "java", "\u{1f600}"));
const integer = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, LARGEST, 2 ** 32), fc.nat(3));
const arbitraryOf: Record<ColumnType, fc.Arbitrary<Value>> = {
  string: text,
  int64: integer,
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  timestamp: fc.nat(4_000_000_000_000),
  "int64[]": fc.array(integer, { maxLength: 40 }),
};

const arbitraryTable = (table: TableName): fc.Arbitrary<ColumnTable> =>
  fc.integer({ min: 1, max: 60 }).chain((rowCount) => {
    const column = ({ type, required }: Column) => {
      const value = required ? arbitraryOf[type] : fc.option(arbitraryOf[type]);
      // Repetition is what dictionaries and runs are made of; independent values alone would hardly ever repeat.
      const few = fc.array(value, { minLength: 1, maxLength: 3 }).chain((values) => fill(fc.constantFrom(...values)));
      const fill = (from: fc.Arbitrary<Value>) => fc.array(from, { minLength: rowCount, maxLength: rowCount });
      return fc.oneof(fill(value), few);
    };
    const columns = fc.record(Object.fromEntries(columnsOf(table).map(([name, about]) => [name, column(about)])));
    return columns.map((filled) => ({ rowCount, columns: filled }));
  });

for (const table of Object.keys(tables) as TableName[]) {
  test(`whatever a ${table} table holds, both readers give it back`, async () => {
    const property = fc.asyncProperty(arbitraryTable(table), fc.integer({ min: 1, max: 70 }), async (columns, groupRowsMax) => {
      const bytes = writePacked(packTable(table, columns), { groupRowsMax });
      const expected = rowsOf(columns, columnNames(table));
      deepEqual(await queryWithDuckdb(bytes), expected);
      deepEqual(await readWithHyparquet(bytes), expected);
    });
    await fc.assert(property, { numRuns: 15, seed: 20_261_123 });
  });
}
