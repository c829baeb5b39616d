// The headers of the named queries.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { baseViewSql, baseViews } from "../../queries/base-views.ts";
import { parseQuery, readCatalogue } from "../../queries/catalogue.ts";
import { type TableName, tables } from "../../schema/columns.ts";

const header = (params: string) =>
  `-- q: what it shows.\n-- why:    because\n--         it matters.\n-- grain:  a row\n-- params: ${params}\n-- result: a, b\nSELECT 1`;

test("a header gives summary, reason over several lines, typed parameters and their defaults", () => {
  const query = parseQuery("q", header("1 window_start timestamp, 2 share_min double = 0.2"));
  equal(query.summary, "what it shows.");
  equal(query.why, "because it matters.");
  deepEqual(query.parameters, [
    { name: "window_start", type: "timestamp", defaultText: null },
    { name: "share_min", type: "double", defaultText: "0.2" },
  ]);
});

test("headers that break the rules are refused with the file and the part", () => {
  throws(() => parseQuery("q", "SELECT 1"), /q\.sql: header has no line "-- q: \.\.\."/);
  throws(() => parseQuery("q", header("2 a bigint")), /parameter 1 is "2 a bigint"/);
  throws(() => parseQuery("q", header("1 a decimal")), /parameter 1 is "1 a decimal"/);
});

test("every named query has as many question marks as parameters", () => {
  const catalogue = readCatalogue();
  ok(catalogue.size >= 7);
  for (const query of catalogue.values()) {
    const text = query.sql.replace(/^--.*$/gm, "").replace(/'[^']*'/g, "");
    equal(text.split("?").length - 1, query.parameters.length, query.name);
  }
});

test("a base view has the columns of its table and the partition keys", () => {
  for (const table of Object.keys(baseViews) as TableName[]) {
    const sql = baseViewSql(table);
    for (const column of [...Object.keys(tables[table]), "dt", "hr"]) ok(sql.includes(`  ${column}`), `${table}.${column}`);
  }
});
