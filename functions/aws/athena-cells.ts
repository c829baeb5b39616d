// Rows of GetQueryResults as cells: Athena sends every value as text beside the name of its type.
// What a column means is left to core/result-rows.ts. Source: Athena API reference, Datum and ColumnInfo.
import type { ColumnInfo, Row } from "@aws-sdk/client-athena";
import type { Cell, ResultRow } from "../edges.ts";

export interface ResultColumn {
  readonly name: string;
  readonly type: string;
}

export const resultColumns = (info: readonly ColumnInfo[]): readonly ResultColumn[] =>
  info.map(({ Name, Type }) => ({ name: Name ?? "", type: Type ?? "" }));

/** A NULL is a datum without a value. */
export function resultRow(columns: readonly ResultColumn[], { Data }: Row): ResultRow {
  return Object.fromEntries(columns.map((column, index) => [column.name, cellOf(column, Data?.[index]?.VarCharValue)]));
}

function cellOf({ name, type }: ResultColumn, text: string | undefined): Cell {
  if (text === undefined) return null;
  switch (type) {
    case "tinyint":
    case "smallint":
    case "integer":
    case "bigint":
    case "float":
    case "real":
    case "double":
    case "decimal":
      return numberOf(name, type, text);
    case "timestamp":
    case "timestamp with time zone":
      return timeOf(name, text);
    case "array":
      return numbersOf(name, text);
    default:
      return text;
  }
}

function numberOf(name: string, type: string, text: string): number {
  const number = Number(text);
  if (text === "" || (Number.isNaN(number) && text !== "NaN")) throw new Error(`column ${name} is ${text}: not a ${type}`);
  return number;
}

/** `2026-11-23 05:00:00.000`, with ` UTC` behind it where the type has a zone. Any other zone would be a bug in a query. */
function timeOf(name: string, text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?: UTC)?$/.exec(text);
  const timeMs = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  if (Number.isNaN(timeMs)) throw new Error(`column ${name} is ${text}: not a time in UTC`);
  return timeMs;
}

/** `[1, 2]`; ours are lists of numbers. */
function numbersOf(name: string, text: string): readonly number[] {
  const list = /^\[(.*)\]$/s.exec(text)?.[1];
  if (list === undefined) throw new Error(`column ${name} is ${text}: not a list`);
  return list.trim() === "" ? [] : list.split(",").map((entry) => numberOf(name, "number", entry.trim()));
}
