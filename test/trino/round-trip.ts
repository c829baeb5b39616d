// Our Parquet files, and those that the engines write themselves, read by Trino: every type keeps its values.
// The writer's own tests are in test/functions/core/parquet; here it is the reader behind Athena that judges.
import { deepEqual, ok } from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { executionParameters } from "../../functions/aws/athena-literals.ts";
import { writeParquet } from "../../functions/core/parquet/write.ts";
import { windowParameters } from "../../functions/core/window.ts";
import { openLake } from "../../local/duckdb.ts";
import { readCatalogue } from "../../queries/catalogue.ts";
import { type Column, type ColumnType, tables, type Value } from "../../schema/columns.ts";
import { LAKE_PREFIX, lakeKey } from "../../schema/keys.ts";
import type { TrinoClient } from "./client.ts";
import type { TestLake } from "./lakes.ts";
import { filesRoot } from "./server.ts";
import { createTable, locationOf, openLakeOnTrino, tableNames } from "./tables.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;
const SUMMER_MS = Date.UTC(2026, 6, 1, 0, 0, 0, 1);
const PARTITION = { dt: "2026-11-23", hr: 7 };

/** Per type a column of values that are easily spoilt; each has its null. */
const values: Readonly<Record<ColumnType, readonly Value[]>> = {
  string: ["", null, "größe-服务-😀", `o'brien "q"`, "a\0b", "\ufffd"],
  int64: [0, null, LARGEST, 2 ** 31, 2 ** 32 - 1, 1],
  double: [0, null, 0.1, 1e300, -1, 5e-324],
  timestamp: [0, null, SUMMER_MS, Date.UTC(2026, 11, 31, 23, 59, 59, 999), Date.UTC(2024, 1, 29), 1],
  "int64[]": [[], null, [0, LARGEST, 0], [1], [7, 7, 7, 7], [2 ** 40]],
};
const ROWS = 6;

export function roundTripTests(client: () => TrinoClient, lakes: () => readonly TestLake[]): void {
  for (const table of tableNames) {
    test(`${table}: every column keeps its values, odd ones and absent ones, in any session's zone`, async () => {
      const columns: readonly [string, Column][] = Object.entries(tables[table]);
      const folder = mkdtempSync(join(filesRoot, "tidemark-round-trip-"));
      // Once all columns are filled; once what may be absent is absent in every row.
      const filled = columns.map(
        ([name, column]) => [name, values[column.type].map((value) => value ?? standIn(column))] as const,
      );
      const bare = columns.map(([name, { type, required }]) => {
        const kept = required === true ? values[type].map((value) => value ?? values[type][0] ?? null) : null;
        return [name, kept ?? new Array<Value>(ROWS).fill(null)] as const;
      });
      for (const [hr, content] of [filled, bare].entries()) {
        const path = join(folder, lakeKey(table, { ...PARTITION, hr }, "file").slice(`${LAKE_PREFIX}${table}/`.length));
        mkdirSync(join(path, ".."), { recursive: true });
        writeFileSync(path, writeParquet(table, { rowCount: ROWS, columns: Object.fromEntries(content) }));
      }
      const schema = `round_trip_${table}`;
      await client().query(`CREATE SCHEMA ${schema}`);
      await createTable(client(), `${schema}.${table}`, table, folder);
      for (const zone of ["UTC", "America/St_Johns"]) {
        for (const [hr, content] of [filled, bare].entries()) {
          const names = content.map(([name]) => name).join(", ");
          const { rows } = await client().query(`SELECT ${names} FROM ${table} WHERE hr = ${hr}`, { schema, zone });
          deepEqual(rows, rowsOf(content), `${table}, hr ${hr}, session in ${zone}`);
        }
      }
    });
  }

  test("a file from before a column existed reads as NULL there, and columns are found by name, not by place", async () => {
    const folder = mkdtempSync(join(filesRoot, "tidemark-older-"));
    const path = join(folder, "dt=2026-11-23", "hr=07");
    mkdirSync(path, { recursive: true });
    const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
    await duckdb.run(
      `COPY (SELECT 7::BIGINT AS rss_bytes, 'host' AS host_id, 9 AS forgotten) TO '${join(path, "old.parquet")}' (FORMAT parquet)`,
    );
    duckdb.closeSync();
    await client().query("CREATE SCHEMA older");
    await createTable(client(), "older.process", "process", folder);
    const { rows } = await client().query("SELECT host_id, rss_bytes, service, pinned_bytes_by_size, hr FROM older.process");
    deepEqual(rows, [["host", 7, null, null, 7]]);
  });

  test("hours that the engine itself writes into the lake, as Athena's UNLOAD does, are read alike by both", async () => {
    const lake = lakes().find(({ name }) => name === "odd");
    const rollup = readCatalogue().get("rollup_process_hours");
    if (lake === undefined || rollup === undefined) throw new Error("needs the odd lake and rollup_process_hours");
    const target = mkdtempSync(join(filesRoot, "tidemark-unload-"));
    const hour = { startMs: Date.UTC(2026, 10, 22, 23), endMs: Date.UTC(2026, 10, 23, 0) };
    const partition = join(target, LAKE_PREFIX, "process_hour", "dt=2026-11-22", "hr=23");
    // The engine makes the last folder itself and refuses one that is there, as UNLOAD does.
    mkdirSync(join(partition, ".."), { recursive: true });
    const literals = executionParameters(rollup, {
      ...lake.parameters,
      bucket_seconds: 3_600,
      hr: 23,
      ...windowParameters(hour),
    });
    await client().query("CREATE SCHEMA unloaded_by_trino");
    await client().execute(
      `CREATE TABLE unloaded_by_trino.process_hour WITH (format = 'PARQUET', external_location = '${locationOf(join(partition, ".."))}/hr=23') AS ${rollup.sql}`,
      literals,
      { schema: lake.name },
    );
    // Its files have no suffix; the rollup handler gives them names of the lake.
    for (const [part, name] of readdirSync(partition).entries()) {
      renameSync(join(partition, name), join(partition, `part-${part}.parquet`));
    }
    await openLakeOnTrino(client(), "unloaded", target);
    const names = Object.keys(tables.process_hour).join(", ");
    const sql = `SELECT ${names} FROM process_hours ORDER BY host_id, process_key`;
    const onTrino = await client().query(sql, { schema: "unloaded" });
    const fromDuckdb = await client().query(`${sql.replace("ORDER", "WHERE dt = '2026-11-22' AND hr = 23 ORDER")}`, {
      schema: lake.name,
    });
    deepEqual(onTrino.rows, fromDuckdb.rows, "hours written by Trino and by DuckDB, both read by Trino");
    const duckdb = await openLake(target);
    const { rows } = await duckdb.query(sql.replace("SELECT hour", "SELECT epoch_ms(hour)"));
    duckdb.close();
    ok(rows.length > 0);
    deepEqual(rows, onTrino.rows, "hours written by Trino, read by DuckDB and by Trino");
  });
}

/** A value for the place of a null in a column that must be filled. */
const standIn = ({ type, required }: Column): Value => (required === true ? (values[type][0] ?? null) : null);

function rowsOf(columns: readonly (readonly [string, readonly Value[]])[]): Value[][] {
  return Array.from({ length: ROWS }, (_, row) => columns.map(([, content]) => content[row] ?? null));
}
