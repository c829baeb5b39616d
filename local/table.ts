// Tables on the terminal: borders and colour where a person looks, tab-separated text where a program reads.
import Table from "cli-table3";
import type { Cell } from "../functions/edges.ts";

export function printTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): void {
  if (!process.stdout.isTTY) {
    for (const row of [columns, ...rows]) process.stdout.write(`${row.map((cell) => plain(cell)).join("\t")}\n`);
    return;
  }
  const colAligns = columns.map((_, at) => (rows.some((row) => typeof row[at] === "number") ? "right" : "left"));
  const table = new Table({ head: [...columns], colAligns, style: { head: ["bold"], border: ["dim"] } });
  for (const row of rows) table.push(row.map((cell) => plain(cell)));
  process.stdout.write(`${table.toString()}\n`);
}

/** Control characters in a stranger's service name must not drive the terminal. */
function plain(cell: Cell): string {
  const text = cell === null ? "NULL" : Array.isArray(cell) ? `[${cell.join(", ")}]` : String(cell);
  return text.replace(/\p{Cc}/gu, "\u{fffd}");
}
