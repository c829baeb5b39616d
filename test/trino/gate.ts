// Whether the gate of npm run check says what a real server says: the grammar, text by text, and the list of functions.
// The gate itself is test/support/trino-grammar.ts.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { duckdbMacros } from "../../queries/catalogue.ts";
import {
  foreignFunctions,
  formsOfBoth,
  functionsOfBoth,
  notTrino,
  notTrinoFunctions,
  sqlTexts,
  trinoGrammar,
} from "../support/trino-grammar.ts";
import { type TrinoClient, TrinoError } from "./client.ts";

const SCHEMA = "empty";

export function gateTests(client: () => TrinoClient): void {
  /** The engine's name for what is wrong with a text; null when it would run it. Nothing is run. */
  const refusal = async (sql: string): Promise<string | null> => {
    try {
      // PREPARE takes a text with its parameters open, but only parses it; EXPLAIN also looks up tables, columns and functions.
      await client().query(sql.includes("?") ? `PREPARE gate FROM ${sql}` : `EXPLAIN (TYPE VALIDATE) ${sql}`, {
        schema: SCHEMA,
      });
      return null;
    } catch (error) {
      if (error instanceof TrinoError) return error.code;
      throw error;
    }
  };

  test("what the grammar of the gate takes, Trino's own parser takes, and what it refuses is a syntax error there", async () => {
    const grammar = await trinoGrammar();
    for (const sql of notTrino) {
      equal(await refusal(sql), "SYNTAX_ERROR", sql);
      ok(grammar.validate(sql).length > 0, sql);
    }
    for (const [name, sql] of sqlTexts()) {
      equal(await refusal(sql), null, name);
      deepEqual(grammar.validate(sql), [], name);
    }
  });

  test("what the allow-list refuses is no function of Trino's", async () => {
    for (const sql of notTrinoFunctions) {
      equal(await refusal(sql), "FUNCTION_NOT_FOUND", sql);
      ok(foreignFunctions(sql).length > 0, sql);
    }
  });

  test("every function of the allow-list is in Trino's list and in DuckDB's; the forms beside it are part of the grammar", async () => {
    const { rows } = await client().query("SHOW FUNCTIONS");
    const onTrino = new Set(rows.map(([name]) => String(name)));
    const onDuckdb = await duckdbFunctions();
    for (const name of functionsOfBoth) {
      ok(onTrino.has(name), `${name} is no function of Trino's`);
      ok(onDuckdb.has(name), `${name} is no function of DuckDB's`);
    }
    for (const form of formsOfBoth) ok(!onTrino.has(form), `${form} is an ordinary function: it belongs to functionsOfBoth`);
    equal(await refusal("SELECT coalesce(nullif(CAST('1' AS bigint), 1), 2)"), null);
  });
}

async function duckdbFunctions(): Promise<ReadonlySet<string>> {
  const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
  await duckdb.run(duckdbMacros());
  // Window functions are not in DuckDB's list of functions; that they work is seen in the queries that use them.
  const rows = await duckdb.runAndReadAll("SELECT DISTINCT function_name FROM duckdb_functions()");
  duckdb.closeSync();
  return new Set([...rows.getRows().map(([name]) => String(name)), "dense_rank", "lag", "row_number"]);
}
