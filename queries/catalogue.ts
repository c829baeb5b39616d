// The named queries: those of this folder's .sql files, and those that follow from the tables.
// Running them is the engine's business (local/ with DuckDB, functions/ with Athena).
import { readdirSync, readFileSync } from "node:fs";
import { compactionQueries } from "./compaction.ts";
import { type NamedQuery, parseQuery } from "./named-query.ts";

const folder = new URL("./", import.meta.url);
/** Files that are a part of a query, so that each holds one idea. */
const PART = ".part.sql";
const NOT_QUERIES = new Set(["duckdb_macros.sql"]);

export const duckdbMacros = (): string => readFileSync(new URL("duckdb_macros.sql", folder), "utf8");

/** All named queries, by name. Throws on a header that breaks the rules: these files are ours. */
export function readCatalogue(): ReadonlyMap<string, NamedQuery> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql") && !file.endsWith(PART) && !NOT_QUERIES.has(file));
  const queries = files
    .sort()
    .map((file) => parseQuery(file.slice(0, -".sql".length), withIncludes(readFileSync(new URL(file, folder), "utf8"))));
  return new Map([...queries, ...compactionQueries()].map((query) => [query.name, query]));
}

/** The text of a query in which each line `-- include: file` is that file, without what that file says of itself at its top. */
const withIncludes = (sql: string): string =>
  sql.replace(/^-- include: ([a-z_]+\.part\.sql)$/gm, (_, file: string) =>
    readFileSync(new URL(file, folder), "utf8")
      .replace(/^(--.*\n)*/, "")
      .trimEnd(),
  );
