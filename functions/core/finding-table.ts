// Findings as a table of columns, the form in which the lake takes them, and back from the rows of a query.
// What the columns mean is schema/made-columns.ts's.
import type { Column, ColumnTable, Finding, Value } from "../../schema/columns.ts";
import { findingColumns } from "../../schema/made-columns.ts";
import type { ResultRow } from "../edges.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./result-rows.ts";

const columns: readonly (readonly [string, Column])[] = Object.entries(findingColumns);

export function findingTable(findings: readonly Finding[]): ColumnTable {
  const rows: readonly Readonly<Record<string, Value | undefined>>[] = findings;
  const values = columns.map(([name]) => [name, rows.map((row) => row[name] ?? null)] as const);
  return { rowCount: findings.length, columns: Object.fromEntries(values) };
}

/** A row of recent_findings as the finding that it was filed as. */
export function findingOf(row: ResultRow): Finding {
  const cells = columns.map(([name, { type, required }]) => {
    const read = type === "string" ? (required ? textOf : maybeText) : required ? numberOf : maybeNumber;
    return [name, read(row, name)] as const;
  });
  return Object.fromEntries(cells) as unknown as Finding;
}
