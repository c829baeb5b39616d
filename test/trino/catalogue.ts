// What infra/ files in Glue about tables and views, against what a real engine says of the same tables and views.
// A view whose declared types are not those of its text is refused by Athena as stale, at the first question.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { glueColumns, gluePartitionKeys, viewText } from "../../infra/parts/lake-tables.ts";
import { views } from "../../queries/base-views.ts";
import type { TrinoClient } from "./client.ts";
import { tableNames } from "./tables.ts";

const SCHEMA = "empty";

/** Trino's names of types in the words of the Hive catalogue. */
const hiveTypeOf = (type: string): string =>
  type
    .replace("varchar", "string")
    .replace("timestamp(3)", "timestamp")
    .replace("integer", "int")
    .replace("(bigint)", "<bigint>");

export function catalogueTests(client: () => TrinoClient): void {
  const columnsOf = async (relation: string) => {
    const { rows } = await client().query(`SHOW COLUMNS FROM ${relation}`, { schema: SCHEMA });
    return rows.map(([name, type]) => ({ name: String(name), type: String(type) }));
  };

  for (const table of tableNames) {
    test(`${table}: Glue is told the columns that the engine sees, of its table`, async () => {
      const inGlue = [...glueColumns(table), ...gluePartitionKeys()].map(({ name, type }) => ({ name, type }));
      const onTrino = await columnsOf(table);
      deepEqual(
        onTrino.map(({ name, type }) => ({ name, type: hiveTypeOf(type) })),
        inGlue,
      );
    });
  }

  for (const view of views()) {
    test(`${view.name}: Glue is told the columns that the engine sees of the view`, async () => {
      const definition = definitionIn(viewText(view, SCHEMA));
      equal(definition.originalSql, view.sql);
      deepEqual(definition.columns, await columnsOf(view.name));
    });
  }
}

function definitionIn(text: string): { readonly originalSql: string; readonly columns: readonly object[] } {
  const encoded = /^\/\* Presto View: (\S+) \*\/$/.exec(text)?.[1] ?? "";
  return JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
}
