// A lake's own history once more: shifted in time by whole hours, on many times the hosts, in another folder.
// The rows are copied as Parquet, hour by hour, because a large fleet's month would take the pipeline days.
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type Column, eventTimeColumn, type TableName, tables } from "../../schema/columns.ts";
import { HOUR_MS, LAKE_PREFIX, lakeKey, partitionOf } from "../../schema/keys.ts";
import { sortColumns } from "../../schema/order.ts";
import { REPLAYED } from "./replay-traces.ts";

export interface MultiplyOptions {
  readonly source: string;
  readonly folder: string;
  /** Copies of every host of the source. */
  readonly copies: number;
  /** The last hour that has rows ends here or before, ms since 1970. */
  readonly endMs: number;
  readonly progress: (hoursDone: number, hours: number) => void;
}

export interface Multiplied {
  readonly hours: number;
  readonly rows: number;
}

/** Findings are left out: they would be of another fleet. */
const copied = ["process", "host", "collector", "process_hour"] as const satisfies readonly TableName[];

export async function multiplyLake({ source, folder, copies, endMs, progress }: MultiplyOptions): Promise<Multiplied> {
  // The folder becomes part of a glob pattern, in which these characters would mean something else.
  if (/[*?[\]{}]/.test(source)) throw new Error(`the folder of a lake may not have any of *?[]{} in its name: ${source}`);
  const hours = hoursOf(source);
  const last = hours.at(-1);
  if (last === undefined) throw new Error(`${source} has no rows to replay`);
  const shiftMs = Math.floor(endMs / HOUR_MS) * HOUR_MS - HOUR_MS - last;
  const name = fileName(source);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  let rows = 0;
  try {
    for (const [done, hourMs] of hours.entries()) {
      for (const table of copied) {
        const files = filesOf(source, table, hourMs);
        if (!existsSync(dirname(files)) || globSync(files).length === 0) continue;
        const target = join(folder, lakeKey(table, partitionOf(hourMs + shiftMs), name));
        mkdirSync(dirname(target), { recursive: true });
        const result = await connection.runAndReadAll(copySql({ table, files, target, copies, shiftMs }));
        rows += Number(result.getRows()[0]?.[0] ?? 0);
      }
      progress(done + 1, hours.length);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  return { hours: hours.length, rows };
}

/** Start of every hour for which the source has files, ms since 1970, in order. */
function hoursOf(source: string): readonly number[] {
  const folders = copied.flatMap((table) => globSync(join(source, LAKE_PREFIX, table, "dt=*", "hr=*")));
  const hours = folders.map((path) => {
    const [, date, hour] = /dt=(\d{4}-\d{2}-\d{2})\/hr=(\d{2})$/.exec(path) ?? [];
    return Date.parse(`${date}T${hour}:00:00Z`);
  });
  return [...new Set(hours.filter((hour) => !Number.isNaN(hour)))].sort((one, other) => one - other);
}

/** Of one source always the same, so that a replay overwrites itself; of another source another, so that both are kept. */
const fileName = (source: string): string =>
  `${REPLAYED}-${createHash("sha256").update(resolve(source)).digest("hex").slice(0, 8)}`;

const filesOf = (source: string, table: TableName, hourMs: number): string =>
  join(source, lakeKey(table, partitionOf(hourMs), "*"));

interface Copy {
  readonly table: (typeof copied)[number];
  readonly files: string;
  readonly target: string;
  readonly copies: number;
  readonly shiftMs: number;
}

/** Every copy of a host has a name of its own, and so have its boots and processes. */
function copySql({ table, files, target, copies, shiftMs }: Copy): string {
  const columns: readonly [string, Column][] = Object.entries(tables[table]);
  const known = `read_parquet(${quote(files)}, union_by_name = true)`;
  const selected = columns.map(([name, column]) => `${replayedValue(name, column, shiftMs)} AS ${name}`);
  const order = table === "process_hour" ? [eventTimeColumn[table], "host_id", "process_key"] : sortColumns[table];
  const empty = columns.map(([name, { type }]) => `CAST(NULL AS ${duckdbTypes[type]}) AS ${name}`).join(", ");
  return `COPY (
    SELECT ${selected.join(", ")}
    FROM (SELECT ${empty} WHERE false UNION ALL BY NAME SELECT * FROM ${known}) AS s
    CROSS JOIN range(${copies}) AS copies(copy)
    ORDER BY ${order.join(", ")}
  ) TO ${quote(target)} (FORMAT parquet, COMPRESSION zstd)`;
}

function replayedValue(name: string, { type }: Column, shiftMs: number): string {
  if (["host_id", "boot_id", "host_name", "process_key"].includes(name)) return `'${REPLAYED}-' || copy || '-' || s.${name}`;
  if (name === "environment" || name === "collector_version") return `'${REPLAYED}'`;
  // A function, because the literal INTERVAL takes no more than 2^31 and no sign.
  if (type === "timestamp") return `s.${name} + to_hours(${shiftMs / HOUR_MS})`;
  return `s.${name}`;
}

const duckdbTypes = { string: "VARCHAR", int64: "BIGINT", double: "DOUBLE", timestamp: "TIMESTAMP", "int64[]": "BIGINT[]" };
const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
