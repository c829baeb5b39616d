// The headers of the named queries.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { views } from "../../queries/base-views.ts";
import { readCatalogue } from "../../queries/catalogue.ts";
import { parseQuery } from "../../queries/named-query.ts";
import { withLake } from "../support/lake.ts";

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

test("a view has the columns that the schema says and the partition keys, in that order", async () => {
  await withLake([], 0, async (lake) => {
    for (const view of views()) {
      const { rows } = await lake.query(`SELECT column_name FROM (DESCRIBE ${view.name})`);
      deepEqual(
        rows.map(([name]) => name),
        [...Object.keys(view.columns), "dt", "hr"],
        view.name,
      );
    }
  });
});
