// An answer on standard output: a table, comma-separated values or JSON.
// Control characters in a stranger's names must not drive a terminal; programs get the text as it is, formulas of spreadsheets too.
import { jsonText } from "../json-text.ts";
import { printTable } from "../table.ts";
import type { Answer } from "./asker.ts";

export const formats = ["table", "csv", "json"] as const;
export type Format = (typeof formats)[number];

export function printAnswer({ columns, rows }: Answer, format: Format): void {
  switch (format) {
    case "json":
      for (const row of rows) {
        process.stdout.write(`${jsonText(Object.fromEntries(columns.map((column, at) => [column, row[at]])))}\n`);
      }
      return;
    case "csv":
      for (const row of [columns, ...rows]) process.stdout.write(`${row.map(csvCell).join(",")}\r\n`);
      return;
    case "table":
      printTable(columns, rows);
  }
}

/** RFC 4180; NULL is an empty field, and an empty text is a quoted one, so that the two stay apart. */
function csvCell(cell: Answer["rows"][number][number]): string {
  if (cell === null) return "";
  const data = typeof cell === "object" ? `[${cell.join(",")}]` : String(cell);
  const text = process.stdout.isTTY ? data.replace(/\p{Cc}/gu, "\u{fffd}") : data;
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
