// Findings as a table of columns, the form in which the lake takes them.
import type { ColumnTable, Finding, Value } from "../../schema/columns.ts";
import { findingColumns } from "../../schema/made-columns.ts";

export function findingTable(findings: readonly Finding[]): ColumnTable {
  const rows: readonly Readonly<Record<string, Value | undefined>>[] = findings;
  const columns = Object.keys(findingColumns).map((name) => [name, rows.map((row) => row[name] ?? null)] as const);
  return { rowCount: findings.length, columns: Object.fromEntries(columns) };
}
