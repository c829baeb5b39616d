// DuckDB in the place of Athena: the same tables over the same Parquet files, the same views, the same query text.
// The files are read as they are; a statement can reach the lake and nothing else of this machine.
import { randomUUID } from "node:crypto";
import { existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DuckDBInstance, type DuckDBResultReader, type DuckDBValue } from "@duckdb/node-api";
import type { Cell, QueryEngine, QueryParameters, ResultRow } from "../functions/edges.ts";
import { type View, views } from "../queries/base-views.ts";
import { duckdbMacros, readCatalogue } from "../queries/catalogue.ts";
import type { NamedQuery, Parameter } from "../queries/named-query.ts";
import { type Column, type ColumnType, type TableName, tables } from "../schema/columns.ts";
import { LAKE_PREFIX, STAGING_PREFIX } from "../schema/keys.ts";
import type { Answer } from "./sql/asker.ts";
import { withWindowConstants } from "./sql/window-constants.ts";

export interface Lake extends QueryEngine {
  readonly catalogue: ReadonlyMap<string, NamedQuery>;
  /** Any one statement; columns in their order and timestamps as text, because a person will look at them. */
  query(sql: string): Promise<Answer>;
  /** A named query for a person to look at. */
  ask(name: string, parameters: QueryParameters): Promise<Answer>;
  /** The plan of a statement, or of a named query's text with its parameters. */
  explain(sql: string, named?: { readonly query: NamedQuery; readonly parameters: QueryParameters }): Promise<string>;
  close(): void;
}

/** Of the memory that nobody uses when a lake is opened. */
const MEMORY_SHARE_MAX = 0.6;

/** Opens the lake of a folder as it is now; files that come later are seen by the next query, but not in tables that were empty. */
export async function openLake(folder: string): Promise<Lake> {
  // The folder becomes part of a glob pattern, in which these characters would mean something else.
  if (/[*?[\]{}]/.test(folder)) throw new Error(`the folder of a lake may not have any of *?[]{} in its name: ${folder}`);
  if (!existsSync(folder)) throw new Error(`no lake at ${folder}: run npm start, or tidemark watch --folder ${folder}`);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(duckdbMacros());
  for (const table of Object.keys(tables) as TableName[]) {
    await connection.run(`CREATE VIEW ${table} AS ${tableSource(folder, table)}`);
  }
  for (const view of views()) await connection.run(`CREATE VIEW ${view.name} AS ${viewSql(folder, view)}`);
  // DuckDB's own choice, most of the machine's memory, is not ours to take beside other programs.
  await connection.run(`SET memory_limit = '${Math.round((process.availableMemory() * MEMORY_SHARE_MAX) / 2 ** 20)}MiB'`);
  // What does not fit into memory goes where the rows came from: DuckDB's own choice is the working directory of whoever asks.
  await connection.run(`SET temp_directory = ${quote(join(folder, `.spill-${randomUUID()}`))}`);
  await connection.run(
    `SET allowed_directories = [${quote(join(folder, LAKE_PREFIX))}, ${quote(join(folder, STAGING_PREFIX))}]`,
  );
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
  const catalogue = readCatalogue();
  const named = (name: string): NamedQuery => {
    const query = catalogue.get(name);
    if (query === undefined) throw new Error(`no query named ${name}`);
    return query;
  };
  const statementOf = (query: NamedQuery, given: QueryParameters) => {
    const values = query.parameters.map((parameter) => bind(query, parameter, given[parameter.name]));
    return { sql: withWindowConstants(query, values), values };
  };

  return {
    catalogue,
    async run(name, parameters) {
      const { sql, values } = statementOf(named(name), parameters);
      const result = await connection.runAndReadAll(sql, values);
      return result
        .getRowObjects()
        .map((row): ResultRow => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, toCell(value)])));
    },
    async unload(name, parameters, prefix) {
      const { sql, values } = statementOf(named(name), parameters);
      const file = join(folder, prefix, "part.parquet");
      mkdirSync(dirname(file), { recursive: true });
      const copy = `COPY (${sql}) TO ${quote(file)} (FORMAT parquet, COMPRESSION zstd)`;
      const result = await connection.runAndReadAll(copy, values);
      if (Number(result.getRows()[0]?.[0]) === 0) rmSync(file);
    },
    query: async (sql) => answerOf(await connection.runAndReadAll(sql)),
    async ask(name, parameters) {
      const { sql, values } = statementOf(named(name), parameters);
      return answerOf(await connection.runAndReadAll(sql, values));
    },
    async explain(text, given) {
      const { sql, values } = given === undefined ? { sql: text, values: [] } : statementOf(given.query, given.parameters);
      const result = await connection.runAndReadAll(`EXPLAIN ${sql}`, values);
      return result
        .getRows()
        .map(([, plan]) => String(plan))
        .join("\n");
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

const answerOf = (result: DuckDBResultReader): Answer => ({
  columns: result.deduplicatedColumnNames(),
  rows: result.getRows().map((row) => row.map(toReadableCell)),
});

const duckdbTypes: Record<ColumnType, string> = {
  string: "VARCHAR",
  int64: "BIGINT",
  double: "DOUBLE",
  timestamp: "TIMESTAMP",
  "int64[]": "BIGINT[]",
};

/**
 * A table over its Parquet files. Columns that a file does not have yet are NULL (union_by_name), and so are all columns
 * that no file has, because an empty relation of the full shape is part of the union. dt stays text, as it is in Glue.
 */
function tableSource(folder: string, table: TableName): string {
  const columns: readonly [string, Column][] = Object.entries(tables[table]);
  const shape = columns.map(([name, { type }]) => `CAST(NULL AS ${duckdbTypes[type]}) AS ${name}`);
  const empty = `SELECT ${shape.join(", ")}, CAST(NULL AS VARCHAR) AS dt, CAST(NULL AS INTEGER) AS hr WHERE false`;
  const glob = join(folder, LAKE_PREFIX, table, "*", "*", "*.parquet");
  if (globSync(glob).length === 0) return empty;
  const files =
    `SELECT * FROM read_parquet(${quote(glob)}, union_by_name = true, hive_partitioning = true, ` +
    "hive_types = {'dt': VARCHAR, 'hr': INTEGER})";
  return `${empty} UNION ALL BY NAME ${files}`;
}

/**
 * The text of a view, without looking for duplicates where there are none: a rollup makes each row once, so that only an hour of
 * several files may have one twice (a rollup that was cut short while it replaced them). Of 100 million rows a tenth of the time
 * and 1/30 of the memory.
 */
function viewSql(folder: string, { name, sql }: View): string {
  if (name !== "process_hours") return sql;
  const files = globSync(join(folder, LAKE_PREFIX, "process_hour", "*", "*", "*.parquet"));
  const hours = new Set(files.map((file) => dirname(file)));
  return hours.size === files.length
    ? `SELECT ${[...Object.keys(tables.process_hour), "dt", "hr"].join(", ")} FROM process_hour`
    : sql;
}

function bind(query: NamedQuery, { name, type, defaultText }: Parameter, given: string | number | undefined): string | number {
  const value = given ?? defaultText;
  if (value === null) throw new Error(`query ${query.name} needs the parameter ${name} (${type})`);
  if (type === "varchar") return String(value);
  if (type === "timestamp" && typeof value === "number")
    return new Date(value).toISOString().replace("T", " ").replace("Z", "");
  if (type === "timestamp") return value;
  const number = Number(value);
  if (!Number.isFinite(number)) throw new Error(`parameter ${name} of ${query.name} is ${value}: expected a ${type}`);
  return number;
}

/** Timestamps become milliseconds, 64-bit integers numbers: all of ours lie within 2^53, and a person's sums may be rounded. */
function toCell(value: DuckDBValue): Cell {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "object" && "micros" in value && typeof value.micros === "bigint") return Number(value.micros / 1_000n);
  if (typeof value === "object" && "items" in value && Array.isArray(value.items)) return value.items.map(Number);
  return String(value);
}

function toReadableCell(value: DuckDBValue): Cell {
  return typeof value === "object" && value !== null && "micros" in value ? String(value) : toCell(value);
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
