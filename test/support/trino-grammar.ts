// The gate that holds queries to what both engines run: Trino's grammar by a parser, and an allow-list of functions.
// Whether the gate is right is asked of a real server in test/trino; the constructs are described in queries/README.md.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { views } from "../../queries/base-views.ts";
import { readCatalogue } from "../../queries/catalogue.ts";

export interface Grammar {
  /** What is wrong with a text; empty when it is in the grammar. */
  validate(sql: string): readonly { readonly message: string; readonly startLine: number }[];
}

/** The parser's packages cannot be loaded by Node as they are (its modules lack extensions), so esbuild bundles them first. */
export async function trinoGrammar(): Promise<Grammar> {
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
  const { TrinoSQL }: { TrinoSQL: new () => Grammar } = await import(outfile);
  return new TrinoSQL();
}

/** Every query and base view, as [name, text]. */
export const sqlTexts = (): readonly (readonly [string, string])[] => [
  ...[...readCatalogue().values()].map((query) => [query.name, query.sql] as const),
  ...views().map(({ name, sql }) => [name, sql] as const),
];

/** Tried on both engines with equal results; a new one is added here after it has been. */
export const functionsOfBoth: ReadonlySet<string> = new Set(
  "avg count date_diff date_trunc dense_rank element_at greatest lag lead least max max_by min round row_number sum".split(" "),
);
/** Written like functions, but part of the grammar: an engine does not list them. */
export const formsOfBoth: ReadonlySet<string> = new Set(["cast", "coalesce", "nullif"]);

/** Words that stand before a bracket without being functions. */
const keywords = new Set("and as by case else in on or over then when where from select partition".split(" "));

/** Functions that a text calls and the allow-list does not have. */
export function foreignFunctions(sql: string): readonly string[] {
  const text = sql.replace(/^--.*$/gm, "").replace(/'[^']*'/g, "''");
  // A CTE's name stands before "AS (", never directly before the bracket, so what is left is a function.
  const called = Array.from(text.matchAll(/\b([a-zA-Z_]\w*)\s*\(/g), (match) => (match[1] ?? "").toLowerCase());
  return called.filter((word) => !functionsOfBoth.has(word) && !formsOfBoth.has(word) && !keywords.has(word));
}

/** Not Trino's grammar, although an engine close to it has each of them. */
export const notTrino: readonly string[] = [
  "SELECT * EXCLUDE (a) FROM t",
  "SELECT a FROM t QUALIFY row_number() OVER () = 1",
  "SELECT FROM",
  "PIVOT t ON a USING sum(b)",
  "FROM t SELECT a",
  "SELECT a::bigint FROM t",
  "SELECT {'a': 1} AS b",
  "SELECT a FROM t USING SAMPLE 10",
];

/** Within the grammar, but DuckDB's own functions: the allow-list is what stops them. */
export const notTrinoFunctions: readonly string[] = [
  "SELECT epoch_ms(TIMESTAMP '2026-11-23 00:00:00')",
  "SELECT list_sort(ARRAY[2, 1])",
  "SELECT quantile_cont(a, 0.5e0) FROM (VALUES 1, 2) AS t (a)",
  "SELECT strptime('2026', '%Y')",
  "SELECT date_sub('hour', TIMESTAMP '2026-11-23 00:00:00', TIMESTAMP '2026-11-23 01:00:00')",
];
