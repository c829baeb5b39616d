// Athena's texts as cells.
import { deepEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import { resultRow } from "../../../functions/aws/athena-cells.ts";
import type { Cell } from "../../../functions/edges.ts";

const cell = (type: string, VarCharValue?: string): Cell =>
  resultRow([{ name: "c", type }], { Data: [VarCharValue === undefined ? {} : { VarCharValue }] })["c"] ?? null;

const NOON_MS = Date.UTC(2026, 10, 23, 12);

test("texts become numbers, times in UTC and lists by the type of their column", () => {
  const table: readonly (readonly [string, string, Cell])[] = [
    ["bigint", "9007199254740991", Number.MAX_SAFE_INTEGER],
    ["double", "1.5E7", 15_000_000],
    ["double", "NaN", Number.NaN],
    ["decimal", "0.300", 0.3],
    ["timestamp", "2026-11-23 12:00:00.000", NOON_MS],
    ["timestamp", "2026-11-23 12:00:00", NOON_MS],
    ["timestamp with time zone", "2026-11-23 12:00:00.250 UTC", NOON_MS + 250],
    ["array", "[1, 20, 300]", [1, 20, 300]],
    ["array", "[]", []],
    ["varchar", "", ""],
    ["varchar", "[1]", "[1]"],
    ["boolean", "true", "true"],
  ];
  for (const [type, text, expected] of table) deepEqual(cell(type, text), expected, `${type} ${text}`);
});

test("a datum without a value is null, also at the end of a row", () => {
  deepEqual(cell("bigint"), null);
  deepEqual(
    resultRow(
      [
        { name: "a", type: "varchar" },
        { name: "b", type: "varchar" },
      ],
      { Data: [{ VarCharValue: "x" }] },
    ),
    {
      a: "x",
      b: null,
    },
  );
});

test("what does not fit its type throws: it must not become 0 or local time", () => {
  for (const [type, text] of [
    ["bigint", "many"],
    ["bigint", ""],
    ["timestamp", "2026-11-23 12:00:00 Europe/Berlin"],
    ["timestamp", "yesterday"],
    ["array", "1, 2"],
    ["array", "[a]"],
  ] as const) {
    throws(() => cell(type, text), /column c is/, `${type} ${text}`);
  }
});
