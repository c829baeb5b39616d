// Names that somebody chose to break out of where they are put: each format is read back by a reader of its own, and gives the name.
// Pages, messages and SQL are tried with many more in test/fuzz.
import { deepEqual, equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const names = [
  "=cmd|'/c calc'!A1",
  '+1","x\r\n=2',
  "@SUM(A1)",
  "-2+3",
  "\u001b]0;owned\u0007",
  "\u009b31mred",
  "\u007f\u0000",
  "a,b",
  '"',
  "",
  "\u202egnp.exe",
  "\u2028",
];

function printed(format: "csv" | "json" | "table"): string {
  const module = pathToFileURL(join(import.meta.dirname, "../../local/sql/output.ts")).href;
  const program = `const { printAnswer } = await import(${JSON.stringify(module)});
    printAnswer({ columns: ["service"], rows: ${JSON.stringify(names)}.map((name) => [name]) }, ${JSON.stringify(format)});`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  equal(status, 0, stderr);
  return stdout;
}

/** RFC 4180: fields with commas, line ends or quotes stand in quotes, and quotes are doubled. */
function fieldsOf(csv: string): string[][] {
  const rows: string[][] = [[]];
  const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  while (FIELD.lastIndex < csv.length) {
    const [, quoted, plain, end] = FIELD.exec(csv) ?? [];
    if (end === undefined) throw new Error("no field of RFC 4180");
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === "\r\n") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

test("comma-separated values are data: a name that a spreadsheet would take for a formula is written as it is, in one field", () => {
  deepEqual(
    fieldsOf(printed("csv")),
    ["service", ...names].map((name) => [name]),
  );
});

test("JSON means the name as it is, and has no character that drives a terminal", () => {
  const text = printed("json");
  equal(/[^\P{Cc}\n]/u.exec(text), null);
  deepEqual(
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).service),
    names,
  );
});

test("a table has one line a row, and no character that drives a terminal", () => {
  const text = printed("table");
  equal(/[^\P{Cc}\n]/u.exec(text), null);
  equal(text.split("\n").length, names.length + 2);
});
