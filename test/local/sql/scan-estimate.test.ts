// Which tables and days a question can reach: what its estimate on Athena counts.
// Listing them, and the price, is tried against the loopback AWS in test/aws.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { reachOf } from "../../../local/sql/scan-estimate.ts";
import { readCatalogue } from "../../../queries/catalogue.ts";

const tablesOf = (sql: string) => reachOf({ kind: "statement", sql }).tables;

test("a statement reaches the tables that it names, by themselves or by their views, on every day", () => {
  deepEqual(tablesOf("SELECT 1"), []);
  deepEqual(tablesOf("SELECT * FROM process_samples"), ["process"]);
  deepEqual(tablesOf("SELECT * FROM finding JOIN host ON true"), ["host", "finding"]);
  deepEqual(tablesOf("SELECT * FROM service_hours"), ["process_hour"]);
  deepEqual(tablesOf("-- FROM process\nSELECT process_key FROM findings"), ["finding"]);
  deepEqual(reachOf({ kind: "statement", sql: "SELECT 1" }).days, null);
});

test("a named query reaches the days of its window", () => {
  const query = readCatalogue().get("process_causes");
  if (query === undefined) throw new Error("no process_causes");
  const parameters = { dt_first: "2026-11-20", dt_last: "2026-11-23" };
  deepEqual(reachOf({ kind: "named", query, parameters }), {
    tables: ["process_hour"],
    days: { first: "2026-11-20", last: "2026-11-23" },
  });
});
