// Findings as a table of columns, the form in which the lake takes them, and back from the rows of a query.
// What the columns mean is schema/made-columns.ts's.
import type { ColumnTable, Finding } from "../../schema/columns.ts";
import { findingColumns } from "../../schema/made-columns.ts";
import type { ResultRow } from "../edges.ts";
import { madeRow, madeTable } from "./made-table.ts";

export const findingTable = (findings: readonly Finding[]): ColumnTable => madeTable(findingColumns, findings);

/** A row of recent_findings as the finding that it was filed as. */
export const findingOf = (row: ResultRow): Finding => madeRow(findingColumns, row);
