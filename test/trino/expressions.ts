// Single expressions on both engines: those that the queries lean on are alike, and those that they must avoid still differ.
// queries/README.md explains both lists; whole queries are compared in same-rows.ts.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { duckdbMacros } from "../../queries/catalogue.ts";
import { type TrinoClient, TrinoError } from "./client.ts";

/** Alike, some of them by the macros and settings of duckdb_macros.sql alone. */
const alike: readonly string[] = [
  "7 / 2",
  "-7 / 2",
  "round(2.5e0)",
  "round(-2.5e0)",
  "CAST(round(1.5e0) AS bigint)",
  "avg(a) FROM (VALUES (1), (2)) AS t (a)",
  "CAST(sum(a) AS bigint) FROM (VALUES (9007199254740991), (9007199254740991)) AS t (a)",
  "date_diff('hour', TIMESTAMP '2026-11-23 00:59:00', TIMESTAMP '2026-11-23 01:00:00')",
  "date_diff('second', TIMESTAMP '2026-11-23 00:00:00.999', TIMESTAMP '2026-11-23 00:00:02.000')",
  "date_diff('millisecond', TIMESTAMP '2026-11-23 00:00:01', TIMESTAMP '2026-11-22 23:59:59.999')",
  "CAST(TIMESTAMP '2026-11-23 00:00:00' + 3599 / 1800 * 1800 * INTERVAL '1' SECOND = TIMESTAMP '2026-11-23 00:30:00' AS varchar)",
  "CAST(CAST('2026-03-29 02:30:00.001' AS timestamp) = TIMESTAMP '2026-03-29 02:30:00.001' AS varchar)",
  "1 / nullif(0, 0)",
  "max_by(a, b) FROM (VALUES (2, NULL), (1, 1)) AS t (a, b)",
  "min(a) FROM (VALUES ('ä'), ('z'), ('Z'), (NULL)) AS t (a)",
  "max(a) FROM (VALUES ('\u{1f600}'), ('\ufffd')) AS t (a)",
  "element_at(ARRAY[5, 6, 7], 2 + 1)",
  "element_at(ARRAY[5, 6, 7], 4)",
  "a FROM (VALUES (1), (NULL)) AS t (a) ORDER BY a DESC LIMIT 1",
  "a FROM (VALUES ('a'), ('B'), (''), (' ')) AS t (a) ORDER BY a LIMIT 1",
];

/** Not alike, and what each says: text on Trino, text on DuckDB. A query that leans on one of them is wrong on one engine. */
const different: readonly (readonly [string, string, string])[] = [
  ["greatest(1, NULL)", "null", "1"],
  ["least(1, NULL)", "null", "1"],
  ["1 / 0", "DIVISION_BY_ZERO", "null"],
  ["CAST(2.5e0 AS bigint)", "3", "2"],
  ["max_by(a, b) FROM (VALUES (NULL, 2), (1, 1)) AS t (a, b)", "null", "1"],
  ["regr_slope(a, a) FROM (VALUES (1e0)) AS t (a)", "null", "NaN"],
];

export function expressionTests(client: () => TrinoClient): void {
  const onTrino = async (expression: string): Promise<string> => {
    try {
      const { rows } = await client().query(`SELECT ${expression}`);
      return String(rows[0]?.[0] ?? null);
    } catch (error) {
      if (error instanceof TrinoError) return error.code;
      throw error;
    }
  };
  const withDuckdb = async (check: (answer: (expression: string) => Promise<string>) => Promise<void>) => {
    const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
    await duckdb.run(duckdbMacros());
    await check(async (expression) => String((await duckdb.runAndReadAll(`SELECT ${expression}`)).getRows()[0]?.[0] ?? null));
    duckdb.closeSync();
  };

  test("what the queries lean on is alike on both engines", async () => {
    await withDuckdb(async (onDuckdb) => {
      for (const expression of alike) equal(await onTrino(expression), await onDuckdb(expression), expression);
    });
  });

  test("what the queries avoid does differ, as queries/README.md says", async () => {
    await withDuckdb(async (onDuckdb) => {
      for (const [expression, trino, duckdb] of different) {
        equal(await onTrino(expression), trino, `${expression} on Trino`);
        equal(await onDuckdb(expression), duckdb, `${expression} on DuckDB`);
      }
    });
  });
}
