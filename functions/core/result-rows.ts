// Query results become typed values here, once: a column that is missing or of another kind is a bug in the query.
import type { Cell, ResultRow } from "../edges.ts";

export const textOf = (row: ResultRow, column: string): string => cellOf(row, column, (cell) => typeof cell === "string");
export const numberOf = (row: ResultRow, column: string): number => cellOf(row, column, (cell) => typeof cell === "number");
export const maybeText = (row: ResultRow, column: string): string | null =>
  cellOf(row, column, (cell) => cell === null || typeof cell === "string");
export const maybeNumber = (row: ResultRow, column: string): number | null =>
  cellOf(row, column, (cell) => cell === null || typeof cell === "number");
export const maybeList = (row: ResultRow, column: string): readonly number[] | null =>
  cellOf(row, column, (cell) => cell === null || Array.isArray(cell));

function cellOf<T>(row: ResultRow, column: string, passes: (cell: Cell) => boolean): T {
  const cell = row[column];
  if (cell === undefined) throw new Error(`result has no column ${column}, but ${Object.keys(row).join(", ")}`);
  if (!passes(cell)) throw new Error(`result column ${column} is ${JSON.stringify(cell)}`);
  return cell as T;
}
