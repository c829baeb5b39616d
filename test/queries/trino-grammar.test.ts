// Every query and view passes the gate, and the gate lets through nothing that it should stop.
// test/trino asks a real server whether the gate is right.
import { deepEqual, ok } from "node:assert/strict";
import { before, test } from "node:test";
import {
  foreignFunctions,
  type Grammar,
  notTrino,
  notTrinoFunctions,
  sqlTexts,
  trinoGrammar,
} from "../support/trino-grammar.ts";

let grammar: Grammar;

before(async () => {
  grammar = await trinoGrammar();
});

test("the grammar refuses what is not Trino's, so that its silence means something", () => {
  for (const sql of notTrino) ok(grammar.validate(sql).length > 0, sql);
});

test("the allow-list refuses functions that DuckDB has alone, which the grammar cannot tell", () => {
  for (const sql of notTrinoFunctions) {
    deepEqual(grammar.validate(sql), [], sql);
    ok(foreignFunctions(sql).length > 0, sql);
  }
});

test("every query and view is in Trino's grammar", () => {
  for (const [name, sql] of sqlTexts()) deepEqual(grammar.validate(sql), [], name);
});

test("every function is one that both engines have", () => {
  for (const [name, sql] of sqlTexts()) deepEqual(foreignFunctions(sql), [], name);
});
