// Finds the order and the partition of every row of a packed table.
// No value moves before it is encoded: an order is an array of row numbers, which the Parquet writer follows.
import type { SampleKind } from "../../schema/columns.ts";
import { eventTimeColumn } from "../../schema/columns.ts";
import { HOUR_MS } from "../../schema/keys.ts";
import { sortColumns } from "../../schema/order.ts";
import { assertNever } from "../../schema/result.ts";
import type { PackedColumn, PackedTable } from "./pack-tables.ts";

export interface PartitionRows {
  /** Start of the UTC hour, ms since 1970. */
  readonly hourMs: number;
  /** Row numbers of the table, in the order in which they are to be written. */
  readonly rows: Uint32Array;
}

/** Rows in sort order, split by the UTC hour of their event; partitions ascend. */
export function partitionRows(kind: SampleKind, packed: PackedTable): readonly PartitionRows[] {
  const times = sortKey(packed, eventTimeColumn[kind]);
  const hourOf = (row: number) => Math.floor((times[row] as number) / HOUR_MS);
  const rowCounts = new Map<number, number>();
  for (let row = 0; row < packed.rowCount; row++) rowCounts.set(hourOf(row), (rowCounts.get(hourOf(row)) ?? 0) + 1);

  const hours = [...rowCounts.keys()].sort((a, b) => a - b);
  if (hours.length === 1) return hours.map((hour) => ({ hourMs: hour * HOUR_MS, rows: sortedRows(kind, packed) }));
  const partitions = new Map(hours.map((hour) => [hour, { rows: new Uint32Array(rowCounts.get(hour) ?? 0), filled: 0 }]));
  for (const row of sortedRows(kind, packed)) {
    const partition = partitions.get(hourOf(row));
    if (partition) partition.rows[partition.filled++] = row;
  }
  return [...partitions].map(([hour, { rows }]) => ({ hourMs: hour * HOUR_MS, rows }));
}

/** Equal rows keep the order of arrival (the sort is stable), so the same object always gives the same files. */
function sortedRows(kind: SampleKind, packed: PackedTable): Uint32Array {
  const keys = sortColumns[kind].map((name) => sortKey(packed, name));
  return everyRow(packed.rowCount).sort((a, b) => {
    let difference = 0;
    for (let at = 0; at < keys.length && difference === 0; at++) {
      const key = keys[at] as SortKey;
      difference = (key[a] as number) - (key[b] as number);
    }
    return difference;
  });
}

export function everyRow(rowCount: number): Uint32Array {
  const rows = new Uint32Array(rowCount);
  for (let row = 0; row < rowCount; row++) rows[row] = row;
  return rows;
}

/** All keys are of one type, so that the comparison compiles to reads without checks. */
type SortKey = Float64Array;

/** Numbers as they are, texts as their rank: distinct texts are few, and comparing numbers is far cheaper. */
function sortKey(packed: PackedTable, name: string): SortKey {
  const column = columnOf(packed, name);
  switch (column.kind) {
    case "absent":
      return new Float64Array(packed.rowCount);
    case "numbers":
      return column.values;
    case "texts": {
      const { codes, texts } = column;
      const sorted = [...texts.keys()].sort((a, b) => ((texts[a] as string) < (texts[b] as string) ? -1 : 1));
      const rankOfCode = new Uint32Array(texts.length + 1);
      sorted.forEach((text, rank) => {
        rankOfCode[text + 1] = rank + 1;
      });
      const key = new Float64Array(codes.length);
      for (let row = 0; row < codes.length; row++) key[row] = rankOfCode[codes[row] as number] as number;
      return key;
    }
    case "lists":
      throw new Error("rows cannot be sorted by a list");
    default:
      return assertNever(column);
  }
}

function columnOf({ table, columns }: PackedTable, name: string): PackedColumn {
  const column = columns[name];
  if (column === undefined) throw new Error(`${table} has no column ${name}`);
  return column;
}
