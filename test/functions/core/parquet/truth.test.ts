// Every column of every table through the writer and back, in the shapes that tear writers: edges, gaps, sizes, many values.
// Single encodings, statistics and arbitrary tables are write.test.ts's.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { packTable } from "../../../../functions/core/pack-tables.ts";
import { writePacked } from "../../../../functions/core/parquet/write.ts";
import {
  type Column,
  type ColumnTable,
  type ColumnType,
  type TableName,
  tables,
  type Value,
} from "../../../../schema/columns.ts";
import { LIST_LENGTH_MAX, STRING_LENGTH_MAX } from "../../../../schema/decode.ts";
import { queryWithDuckdb, type ReadRow, readWithHyparquet, rowsOf } from "./readers.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;
const TIME_MS = Date.UTC(2026, 10, 23, 12, 34, 56, 789);
const GROUP_ROWS = 40;
const ROWS = 100;

const tableNames = Object.keys(tables) as TableName[];
const columnsOf = (table: TableName): [string, Column][] => Object.entries(tables[table]);

/** Values of a type that repeat now and then, as those of neighbouring rows do. */
const usual: Record<ColumnType, (at: number) => Value> = {
  string: (at) => `value ${at % 7}`,
  int64: (at) => (at % 5) * 4_096,
  double: (at) => (at % 9) / 8,
  timestamp: (at) => TIME_MS + (at % 11),
  "int64[]": (at) => Array.from({ length: at % 4 }, (_, bin) => bin * at),
};

const astral = "\u{10ffff}\u{1f600}\u{10000}";
const edges: Record<ColumnType, readonly Value[]> = {
  string: [
    "",
    " ",
    "\0",
    "a\ufeff",
    "\ufffd",
    "\ue000",
    astral,
    astral.repeat(100),
    "x".repeat(STRING_LENGTH_MAX),
    "\u{1f600}".repeat(STRING_LENGTH_MAX / 2),
    "€".repeat(STRING_LENGTH_MAX),
    "NULL",
    '"\\\n\u2028',
  ],
  int64: [0, 1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, LARGEST - 1, LARGEST],
  double: [0, -0, 1, -1.5, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, Number.EPSILON],
  timestamp: [0, 1, TIME_MS, TIME_MS + 1, 4_102_444_800_000],
  "int64[]": [[], [0], [LARGEST], new Array(LIST_LENGTH_MAX).fill(LARGEST), [0, LARGEST, 0], [2 ** 31, 2 ** 32]],
};
/** Slopes fall as well as rise. An engine writes those, but the writer must be able to. */
const negative = [-1, -LARGEST, -(2 ** 31), -(2 ** 32), -(2 ** 32) - 1];

const edgeOf = (table: TableName, name: string, { type }: Column, at: number): Value => {
  const values = table === "process_hour" && name.endsWith("_slope") ? [...edges[type], ...negative] : edges[type];
  return values[at % values.length] ?? null;
};

const filled = (
  table: TableName,
  rowCount: number,
  value: (name: string, column: Column, row: number) => Value,
): ColumnTable => ({
  rowCount,
  columns: Object.fromEntries(
    columnsOf(table).map(([name, column]) => [name, Array.from({ length: rowCount }, (_, row) => value(name, column, row))]),
  ),
});

/** `value` where it may be; a required column has its usual value in the place of null. */
const orUsual = (column: Column, row: number, value: Value): Value =>
  value === null && column.required ? usual[column.type](row) : value;

const shapes: { name: string; table: (table: TableName) => ColumnTable; groupRowsMax?: number }[] = [
  { name: "one row", table: (table) => filled(table, 1, (_, { type }) => usual[type](3)) },
  {
    name: "as many rows as a group holds",
    table: (table) => filled(table, GROUP_ROWS, (_, { type }, row) => usual[type](row)),
  },
  {
    name: "one row more than a group holds",
    table: (table) => filled(table, GROUP_ROWS + 1, (_, { type }, row) => usual[type](row)),
  },
  {
    name: "a group for every row",
    groupRowsMax: 1,
    table: (table) => filled(table, 9, (name, column, row) => edgeOf(table, name, column, row)),
  },
  {
    name: "every edge of every type",
    table: (table) => filled(table, ROWS, (name, column, row) => edgeOf(table, name, column, row)),
  },
  {
    name: "edges and gaps in turn",
    table: (table) =>
      filled(table, ROWS, (name, column, row) => orUsual(column, row, row % 2 === 0 ? null : edgeOf(table, name, column, row))),
  },
  {
    name: "nothing but what is required",
    table: (table) => filled(table, ROWS, (_, column, row) => orUsual(column, row, null)),
  },
  {
    name: "whole groups of nulls before the first value",
    table: (table) =>
      filled(table, ROWS, (_, column, row) => orUsual(column, row, row < 2 * GROUP_ROWS ? null : usual[column.type](row))),
  },
  {
    name: "nulls in the first half of every group",
    table: (table) =>
      filled(table, ROWS, (_, column, row) =>
        orUsual(column, row, row % GROUP_ROWS < GROUP_ROWS / 2 ? null : usual[column.type](row)),
      ),
  },
  {
    name: "a single value among nulls, in another row for each column",
    table: (table) => {
      const places = new Map(columnsOf(table).map(([name], at) => [name, (at * 7) % ROWS]));
      return filled(table, ROWS, (name, column, row) =>
        orUsual(column, row, places.get(name) === row ? edgeOf(table, name, column, row) : null),
      );
    },
  },
  {
    name: "columns in one order of magnitude each, so that neighbours cannot be mistaken for each other",
    table: (table) => {
      const places = new Map(columnsOf(table).map(([name], at) => [name, at]));
      return filled(table, ROWS, (name, { type }, row) => {
        const place = (places.get(name) ?? 0) * 1_000 + row;
        return type === "string" ? `${name} ${row}` : type === "int64[]" ? [place, row] : place;
      });
    },
  },
];

for (const { name, table: make, groupRowsMax = GROUP_ROWS } of shapes) {
  test(`no value of any column of any table differs after ${name}`, async () => {
    for (const table of tableNames) {
      const columns = make(table);
      const bytes = writePacked(packTable(table, columns), { groupRowsMax });
      await sameRows(bytes, rowsOf(columns, Object.keys(tables[table])), table);
    }
  });
}

async function sameRows(bytes: Uint8Array, expected: readonly ReadRow[], about: string): Promise<void> {
  deepEqual(await queryWithDuckdb(bytes), expected, `${about} by DuckDB`);
  deepEqual(await readWithHyparquet(bytes), expected, `${about} by hyparquet`);
}

test("each nullable column can be the only one without a value", async () => {
  for (const table of tableNames) {
    const nullable = columnsOf(table).filter(([, column]) => !column.required);
    // Row r lacks the r-th nullable column; groups of one row make it null in all of its chunk.
    const columns = filled(table, nullable.length, (name, { type }, row) =>
      nullable[row]?.[0] === name ? null : usual[type](row + 1),
    );
    const bytes = writePacked(packTable(table, columns), { groupRowsMax: 1 });
    await sameRows(bytes, rowsOf(columns, Object.keys(tables[table])), table);
  }
});

/** A host row whose other columns say nothing new. */
const hostTable = (columns: Readonly<Record<string, readonly Value[]>>, rowCount: number): ColumnTable => ({
  rowCount,
  columns: {
    ...Object.fromEntries(
      columnsOf("host")
        .filter(([, column]) => column.required)
        .map(([name, { type }]) => [name, new Array<Value>(rowCount).fill(usual[type](1))]),
    ),
    ...columns,
  },
});

/** dictionary.ts takes up to 65,536 entries: at the limit, and one beyond it. */
for (const distinct of [65_536, 65_537]) {
  test(`a group with ${distinct} different numbers and texts, each three times, keeps them all`, async () => {
    const rowCount = distinct * 3;
    const sizes = Array.from({ length: rowCount }, (_, row) => (row % distinct) * 4_096 + 2 ** 40);
    const names = Array.from({ length: rowCount }, (_, row) => `höst-${(row * 31) % distinct}`);
    const table = hostTable({ mem_total_bytes: sizes, host_name: names }, rowCount);
    const bytes = writePacked(packTable("host", table), { groupRowsMax: rowCount });
    const read = async (rows: readonly ReadRow[]) => {
      equal(rows.length, rowCount);
      let differing = 0;
      for (const [row, { mem_total_bytes, host_name }] of rows.entries()) {
        if (mem_total_bytes !== sizes[row] || host_name !== names[row]) differing++;
      }
      equal(differing, 0);
    };
    await read(await queryWithDuckdb(bytes, "SELECT mem_total_bytes, host_name FROM t"));
    await read(await readWithHyparquet(bytes));
  });
}

test("half a character becomes the replacement character in every row, whatever else the group holds", async () => {
  // JSON can carry what UTF-8 cannot: an escaped half of a surrogate pair (RFC 8259, section 8.2).
  const halves = ["\ud800", "\udfff", "a\ud83dz", "\ud83d\ud83d", "\udc00\ud800", "whole \u{1f600}", "\ufffd"];
  const shown = ["\ufffd", "\ufffd", "a\ufffdz", "\ufffd\ufffd", "\ufffd\ufffd", "whole \u{1f600}", "\ufffd"];
  for (const repeats of [1, 4]) {
    const names = halves.flatMap((half) => new Array<string>(repeats).fill(half));
    const expected = shown.flatMap((text) => new Array<string>(repeats).fill(text));
    const bytes = writePacked(packTable("host", hostTable({ host_name: names }, names.length)));
    const named = (rows: readonly ReadRow[]) => rows.map((row) => row["host_name"]);
    deepEqual(named(await queryWithDuckdb(bytes)), expected);
    deepEqual(named(await readWithHyparquet(bytes)), expected);
    const found = await queryWithDuckdb(bytes, "SELECT count(*) AS n FROM t WHERE host_name = '\ufffd'");
    deepEqual(found, [{ n: 3 * repeats }]);
  }
});

test("a byte order mark at the front of a text is kept: it is the readers' decoders that hide it", async () => {
  const bytes = writePacked(packTable("host", hostTable({ host_name: ["\ufeffmark"] }, 1)));
  deepEqual(await queryWithDuckdb(bytes, "SELECT hex(encode(host_name)) AS bytes FROM t"), [{ bytes: "EFBBBF6D61726B" }]);
});
