// The measured table of docs/scale.md, between its marks. What stands around it is written by people.
import { cpus, totalmem } from "node:os";

const [BEGIN, END] = ["<!-- measured: npm run scale -- --docs -->", "<!-- /measured -->"];

/** Throws where the page has no marks. */
export function replaceTable(page: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/scale.md has no ${BEGIN} before ${END}`);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const table = [line(head), line(head.map((_, at) => (at > 0 && at < 4 ? "--:" : "---"))), ...rows.map(line)];
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, DuckDB on all cores, Node ${process.version}.`;
  return `${page.slice(0, begin)}${BEGIN}\n${table.join("\n")}\n\n${machine}\n${page.slice(end)}`;
}
