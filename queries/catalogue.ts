// The named queries: each .sql file's header, read into a description that runs, lists and checks it.
// Running them is the engine's business (local/ with DuckDB, functions/ with Athena).
import { readdirSync, readFileSync } from "node:fs";

export type ParameterType = "timestamp" | "bigint" | "double" | "varchar";

export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** Text of the default; null where the caller must say. */
  readonly defaultText: string | null;
}

export interface NamedQuery {
  readonly name: string;
  readonly summary: string;
  readonly why: string;
  readonly grain: string;
  /** In order of their `?`. */
  readonly parameters: readonly Parameter[];
  readonly result: string;
  /** Text for the engine, header included. */
  readonly sql: string;
}

const folder = new URL("./", import.meta.url);
const NOT_QUERIES = new Set(["duckdb_macros.sql"]);

export const duckdbMacros = (): string => readFileSync(new URL("duckdb_macros.sql", folder), "utf8");

/** All named queries, by name. Throws on a header that breaks the rules: these files are ours. */
export function readCatalogue(): ReadonlyMap<string, NamedQuery> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql") && !NOT_QUERIES.has(file));
  const queries = files
    .sort()
    .map((file) => parseQuery(file.slice(0, -".sql".length), readFileSync(new URL(file, folder), "utf8")));
  return new Map(queries.map((query) => [query.name, query]));
}

/** Header form: `-- name: summary`, then why, grain, params, result; further lines of a part are indented. */
export function parseQuery(name: string, sql: string): NamedQuery {
  const parts = new Map<string, string>();
  let part = "";
  for (const line of sql.split("\n")) {
    const comment = /^-- ?(.*)$/.exec(line)?.[1];
    if (comment === undefined) break;
    const start = /^([a-z_]+): +(.*)$/.exec(comment);
    if (start === null) parts.set(part, `${parts.get(part) ?? ""} ${comment.trim()}`);
    else {
      part = start[1] ?? "";
      parts.set(part, start[2] ?? "");
    }
  }
  const text = (key: string): string => {
    const value = parts.get(key);
    if (value === undefined) throw new Error(`${name}.sql: header has no line "-- ${key}: ..."`);
    return value;
  };
  return {
    name,
    summary: text(name),
    why: text("why"),
    grain: text("grain"),
    parameters: parseParameters(name, text("params")),
    result: text("result"),
    sql,
  };
}

function parseParameters(query: string, text: string): readonly Parameter[] {
  if (text === "none") return [];
  return text.split(", ").map((entry, index) => {
    const match = /^(\d+) ([a-z_]+) (timestamp|bigint|double|varchar)(?: = (\S+))?$/.exec(entry);
    if (match === null || Number(match[1]) !== index + 1) {
      throw new Error(
        `${query}.sql: parameter ${index + 1} is "${entry}", expected "${index + 1} name type" with an optional " = default"`,
      );
    }
    return { name: match[2] ?? "", type: match[3] as ParameterType, defaultText: match[4] ?? null };
  });
}
