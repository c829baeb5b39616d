// Rows of the tables that are made in the lake (findings, recommendations, savings), as columns for its files, and back from queries.
// What the columns mean is schema/made-columns.ts's.
import type { Column, Columns, ColumnTable, Row, Value } from "../../schema/columns.ts";
import type { ResultRow } from "../edges.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./result-rows.ts";

export function madeTable<T extends Columns>(columns: T, made: readonly Row<T>[]): ColumnTable {
  const rows = made as readonly Readonly<Record<string, Value | undefined>>[];
  const values = Object.keys(columns).map((name) => [name, rows.map((row) => row[name] ?? null)] as const);
  return { rowCount: rows.length, columns: Object.fromEntries(values) };
}

/** A row of a query that gives a table's columns as it was filed. */
export function madeRow<T extends Columns>(columns: T, row: ResultRow): Row<T> {
  const cells = Object.entries<Column>(columns).map(([name, { type, required }]) => {
    const read = type === "string" ? (required ? textOf : maybeText) : required ? numberOf : maybeNumber;
    return [name, read(row, name)] as const;
  });
  return Object.fromEntries(cells) as Row<T>;
}
