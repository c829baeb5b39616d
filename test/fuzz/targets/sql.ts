// Values that go into SQL beside a query's text: none may become part of it, whichever engine reads them.
// Athena takes literals, which a lexer of Trino's grammar and DuckDB read here; DuckDB itself takes bound values.
import { equal, ok } from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import { executionParameters, type QueryText } from "../../../functions/aws/athena-literals.ts";
import type { FuzzTarget } from "../target.ts";

const query: QueryText = {
  name: "fuzz",
  sql: "SELECT ?, CAST(? AS timestamp)",
  parameters: [
    { name: "service", type: "varchar", defaultText: null },
    { name: "window_start", type: "timestamp", defaultText: null },
  ],
};
const numbers: QueryText = { ...query, parameters: [{ name: "count", type: "bigint", defaultText: null }] };

/** string of SqlBase.g4 (Trino): a quote, anything but quotes or two of them, a quote. Nothing else of the grammar begins with one. */
const STRING = /^'(?:[^']|'')*'$/;

let connection: Promise<Awaited<ReturnType<DuckDBInstance["connect"]>>> | undefined;

export const sql: FuzzTarget = {
  name: "sql",
  seeds: () =>
    ["checkout", "' OR 1=1 --", "'; DROP TABLE x; --", "a\\' b", "''", "?", "2026-11-23 00:00:00", "1e5"].map((text) =>
      Buffer.from(text),
    ),
  words: [
    "'",
    "''",
    "\\'",
    "--",
    "/*",
    "*/",
    ";",
    "?",
    '"',
    "U&'",
    "\\",
    "\0",
    "\u2019",
    "\uff07",
    "%27",
    "UNION SELECT ",
    "$$",
    "\n",
  ],
  async run(input) {
    const text = input.toString("utf8");
    let literals: readonly string[];
    try {
      literals = executionParameters(query, { service: text, window_start: text });
    } catch (error) {
      ok(/^parameter \w+ of fuzz has \d+ characters, the limit is 1024$/.test((error as Error).message), String(error));
      return "too long";
    }
    for (const literal of literals) {
      ok(STRING.test(literal) && literal.length <= 1_024, literal);
      equal(literal.slice(1, -1).replaceAll("''", "'"), text);
    }
    let number = "no number";
    try {
      const [literal = ""] = executionParameters(numbers, { count: text });
      ok(/^-?\d+(e[+-]?\d+)?$/.test(literal), literal);
      number = "number";
    } catch (error) {
      ok(/expected a bigint$/.test((error as Error).message), String(error));
    }
    if (text.includes("\0")) {
      return `NUL ${number}`; // No engine is asked: a NUL is Athena's to refuse, and a text of DuckDB ends there.
    }
    connection ??= DuckDBInstance.create(":memory:").then((instance) => instance.connect());
    const result = await (await connection).runAndReadAll(`SELECT ${literals[0]} AS literal, ? AS bound`, [text]);
    equal(JSON.stringify(result.getRows()), JSON.stringify([[text, text]]));
    return `${number} ${/'/.test(text)} ${/--|\/\*/.test(text)} ${text.length > 100}`;
  },
};
