// Tables and views of Glue against their sources: the schema's columns, the keys' layout, the base views' SQL.
// That they answer queries is proven on real engines elsewhere.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import * as lakeTables from "../../infra/parts/lake-tables.ts";
import { views } from "../../queries/base-views.ts";
import { tables } from "../../schema/columns.ts";
import { lakeKey } from "../../schema/keys.ts";

const FIRST_DATE = "2026-01-01";

for (const table of lakeTables.tableNames) {
  test(`${table}: columns are the schema's, in order, with types that Glue knows and comments that it takes`, () => {
    const columns = lakeTables.glueColumns(table);
    deepEqual(
      columns.map(({ name }) => name),
      Object.keys(tables[table]),
    );
    for (const { name, type, comment } of columns) {
      ok(["string", "bigint", "double", "timestamp", "array<bigint>"].includes(type), `${name} ${type}`);
      ok(comment !== undefined && comment.length > 0 && comment.length <= 255, name);
    }
  });

  test(`${table}: partition projection computes the places that the converter writes to`, () => {
    const projection = lakeTables.projection("bucket", table, FIRST_DATE);
    const template = projection["storage.location.template"] ?? "";
    const digits = Number(projection["projection.hr.digits"]);
    for (const [dt, hr] of [
      ["2026-11-23", 0],
      ["2026-11-23", 23],
    ] as const) {
      const computed = template.replace(/\$\{dt\}/, dt).replace(/\$\{hr\}/, String(hr).padStart(digits, "0"));
      equal(`${computed}x.parquet`, `s3://bucket/${lakeKey(table, { dt, hr }, "x")}`);
    }
    equal(projection["projection.dt.range"], `${FIRST_DATE},NOW`);
    equal(projection["projection.hr.range"], "0,23");
    deepEqual(
      lakeTables.gluePartitionKeys().map(({ name, type }) => `${name} ${type}`),
      ["dt string", "hr int"],
    );
  });
}

for (const view of views()) {
  test(`${view.name}: the view's text is base64 of JSON with its SQL and its columns`, () => {
    const encoded = /^\/\* Presto View: (\S+) \*\/$/.exec(lakeTables.viewText(view, "tidemark"))?.[1] ?? "";
    const stored = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    equal(stored.originalSql, view.sql);
    equal(stored.catalog, "awsdatacatalog");
    equal(stored.schema, "tidemark");
    const names = stored.columns.map(({ name }: { name: string }) => name);
    deepEqual(names, [...Object.keys(view.columns), "dt", "hr"]);
    deepEqual(
      names,
      lakeTables.glueViewColumns(view).map(({ name }) => name),
    );
    deepEqual(new Set(stored.columns.map(({ type }: { type: string }) => type)).difference(TRINO_TYPES), new Set());
  });
}

const TRINO_TYPES = new Set(["varchar", "bigint", "integer", "double", "timestamp(3)", "array(bigint)"]);
