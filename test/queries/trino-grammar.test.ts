// Every query and view against Trino's own grammar, which is Athena's, and an allow-list of the functions both engines have.
// The parser's packages cannot be loaded by Node as they are (its modules lack extensions), so esbuild bundles them first.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { build } from "esbuild";
import { baseViewSql, baseViews } from "../../queries/base-views.ts";
import { readCatalogue } from "../../queries/catalogue.ts";
import type { TableName } from "../../schema/columns.ts";

interface Parser {
  validate(sql: string): readonly { readonly message: string; readonly startLine: number }[];
}
let parser: Parser;

before(async () => {
  const outfile = join(mkdtempSync(join(tmpdir(), "tidemark-")), "trino.mjs");
  const contents = 'export { TrinoSQL } from "dt-sql-parser";';
  await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: "esm",
    platform: "node",
    outfile,
    logLevel: "error",
  });
  const { TrinoSQL }: { TrinoSQL: new () => Parser } = await import(outfile);
  parser = new TrinoSQL();
});

const texts = (): readonly (readonly [string, string])[] => [
  ...[...readCatalogue().values()].map((query) => [query.name, query.sql] as const),
  ...(Object.keys(baseViews) as TableName[]).map((table) => [baseViews[table], baseViewSql(table)] as const),
];

/** Tried on both engines with equal results; a new one is added here after it has been. */
const functionsOfBoth = new Set(
  "avg cast count date_diff date_trunc greatest lag least max min nullif round row_number sum".split(" "),
);
/** Words that stand before a bracket without being functions. */
const keywords = new Set("and as by case else in on or over then when where from select partition".split(" "));

test("the grammar refuses what is not Trino's, so that its silence means something", () => {
  for (const sql of [
    "SELECT * EXCLUDE (a) FROM t",
    "SELECT a FROM t QUALIFY row_number() OVER () = 1",
    "SELECT FROM",
    "PIVOT t ON a USING sum(b)",
  ]) {
    ok(parser.validate(sql).length > 0, sql);
  }
});

test("every query and view is in Trino's grammar", () => {
  for (const [name, sql] of texts()) deepEqual(parser.validate(sql), [], name);
});

test("every function is one that both engines have", () => {
  for (const [name, sql] of texts()) {
    const text = sql.replace(/^--.*$/gm, "").replace(/'[^']*'/g, "''");
    const called = Array.from(text.matchAll(/\b([a-zA-Z_]+)\s*\(/g), (match) => (match[1] ?? "").toLowerCase());
    const foreign = called.filter((word) => !functionsOfBoth.has(word) && !keywords.has(word));
    // A CTE's name stands before "AS (", never directly before the bracket, so what is left is a function.
    equal(foreign.join(), "", name);
  }
});
