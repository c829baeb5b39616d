// The lake as the data catalog has it: the same tables, partition keys and views, over the Parquet files of a folder.
// Which rows are in the files is left to lakes.ts.
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { views } from "../../queries/base-views.ts";
import { type Column, type ColumnType, type TableName, tables } from "../../schema/columns.ts";
import { LAKE_PREFIX } from "../../schema/keys.ts";
import { quoted, type TrinoClient } from "./client.ts";
import { filesRoot } from "./server.ts";

/** What each type of schema/columns.ts is on the engine. */
export const trinoTypes: Readonly<Record<ColumnType, string>> = {
  string: "varchar",
  int64: "bigint",
  double: "double",
  timestamp: "timestamp(3)",
  "int64[]": "array(bigint)",
};

export const tableNames = Object.keys(tables) as TableName[];

/** Makes a schema of this name with all tables and views over the lake of the folder. */
export async function openLakeOnTrino(client: TrinoClient, schema: string, folder: string): Promise<void> {
  await client.query(`CREATE SCHEMA ${schema}`);
  for (const table of tableNames) {
    await createTable(client, `${schema}.${table}`, table, join(folder, LAKE_PREFIX, table));
  }
  for (const { name, sql } of views()) await client.query(`CREATE VIEW ${name} AS ${sql}`, { schema });
}

/** An external table over a folder of `dt=.../hr=...` folders; the columns that an older file lacks are NULL. */
export async function createTable(client: TrinoClient, name: string, table: TableName, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const columns = Object.entries<Column>(tables[table]).map(([column, { type }]) => `${column} ${trinoTypes[type]}`);
  await client.query(
    `CREATE TABLE ${name} (${columns.join(", ")}, dt varchar, hr integer) WITH (
      format = 'PARQUET', external_location = ${quoted(locationOf(folder))}, partitioned_by = ARRAY['dt', 'hr'])`,
  );
  // Glue projects partitions from their names; the file metastore has to be told of them.
  const [schema, relation] = name.split(".");
  await client.query(`CALL system.sync_partition_metadata(${quoted(schema ?? "")}, ${quoted(relation ?? "")}, 'FULL')`, {
    schema: schema ?? "",
  });
}

/** A folder below the server's root, as the engine names it. */
export const locationOf = (folder: string): string => `local:///${realpathSync(folder).slice(filesRoot.length + 1)}`;
