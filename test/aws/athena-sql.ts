// One statement as Athena would run it, on DuckDB over the bucket's folder: literals for `?`, UNLOAD, values as text.
// The tables, the base views and the macros are those of local/duckdb.ts; states and pages are athena.ts's.
import { mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cell } from "../../functions/edges.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { LAKE_PREFIX } from "../../schema/keys.ts";
import type { S3 } from "./s3.ts";

export interface AthenaTable {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly scannedBytes: number;
  /** Results of a SELECT begin with a row of names. */
  readonly isSelect: boolean;
}

export interface AthenaRunner {
  /** Rejects with the engine's words. */
  run(sql: string, parameters: readonly string[]): Promise<AthenaTable>;
}

export function athenaRunner(s3: S3, bucket: string): AthenaRunner {
  const folder = s3.folderOf(bucket);
  return {
    async run(sql, parameters) {
      const text = withLiterals(sql, parameters);
      // Opened anew each time: a table that was empty may have files by now.
      const lake = await openLake(folder);
      try {
        const unload = /^\s*UNLOAD \(\n(.*)\n\) TO 's3:\/\/([^/']+)\/([^']+)' WITH \((.*)\)\s*$/s.exec(text);
        if (unload === null) return await select(lake, text);
        const [, query = "", target, prefix = "", options = ""] = unload;
        if (target !== bucket) throw new Error(`Access denied when writing output to url: s3://${target}`);
        if (!/format = 'PARQUET'/.test(options)) throw new Error(`unknown options of UNLOAD: ${options}`);
        return await unloadTo(lake, query, prefix);
      } finally {
        lake.close();
      }
    },
  };

  async function select(lake: Lake, sql: string): Promise<AthenaTable> {
    const { rows: described } = await lake.query(`SELECT column_name, column_type FROM (DESCRIBE ${sql})`);
    const columns = described.map(([name, type]) => ({ name: String(name), type: athenaType(String(type)) }));
    const { rows } = await lake.query(sql);
    const texts = rows.map((row) => row.map((cell, index) => textOf(cell, columns[index]?.type ?? "")));
    return { columns, rows: texts, scannedBytes: lakeBytes(), isSelect: true };
  }

  async function unloadTo(lake: Lake, query: string, prefix: string): Promise<AthenaTable> {
    if (s3.keys(bucket, prefix).length > 0) throw new Error(`HIVE_PATH_ALREADY_EXISTS: s3://${bucket}/${prefix}`);
    // Athena names its files without an extension.
    const key = `${prefix}20261123_120000_00001_tide_00000000-0000-0000-0000-000000000000`;
    const file = join(folder, key);
    mkdirSync(dirname(file), { recursive: true });
    const { rows } = await lake.query(`COPY (${query}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
    if (Number(rows[0]?.[0]) === 0) rmSync(file);
    else s3.adopt(bucket, key);
    return { columns: [], rows: [], scannedBytes: lakeBytes(), isSelect: false };
  }

  /** Everything, since it cannot tell what was pruned: enough to see that the figure travels. */
  function lakeBytes(): number {
    return s3.keys(bucket, LAKE_PREFIX).reduce((sum, key) => sum + statSync(join(folder, key)).size, 0);
  }
}

/** Each `?` outside comments and texts becomes the literal in its place, as the execution parameters say. */
function withLiterals(sql: string, parameters: readonly string[]): string {
  let used = 0;
  const text = sql.replaceAll(/--[^\n]*|'(?:[^']|'')*'|\?/g, (part) => (part === "?" ? (parameters[used++] ?? "?") : part));
  if (used !== parameters.length) {
    throw new Error(`Incorrect number of parameters: expected ${used} but found ${parameters.length}`);
  }
  for (const literal of parameters) {
    if (!/^(-?\d+(\.\d+)?([eE][+-]?\d+)?|'(?:[^']|'')*')$/.test(literal)) throw new Error(`mismatched input '${literal}'`);
  }
  return text;
}

function athenaType(duckdbType: string): string {
  if (duckdbType.endsWith("[]")) return "array";
  const base = duckdbType.replace(/\(.*/, "");
  const types: Readonly<Record<string, string>> = {
    VARCHAR: "varchar",
    BIGINT: "bigint",
    // Sums are 128 bits wide in DuckDB and 64 in Trino.
    HUGEINT: "bigint",
    INTEGER: "integer",
    DOUBLE: "double",
    DECIMAL: "decimal",
    BOOLEAN: "boolean",
    TIMESTAMP: "timestamp",
  };
  const type = types[base];
  if (type === undefined) throw new Error(`no Athena type for DuckDB's ${duckdbType}`);
  return type;
}

function textOf(cell: Cell, type: string): string | null {
  if (cell === null) return null;
  if (typeof cell === "object") return `[${cell.join(", ")}]`;
  // Athena always writes milliseconds, DuckDB only where there are some.
  if (type === "timestamp")
    return `${new Date(`${String(cell).replace(" ", "T")}Z`).toISOString().slice(0, 23).replace("T", " ")}`;
  return String(cell);
}
