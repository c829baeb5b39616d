// Every named query on both engines, on every lake, with its defaults and with every threshold at its lowest: the same rows.
// A query that answers nowhere with rows proves nothing, so it fails and asks for a case.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { executionParameters } from "../../functions/aws/athena-literals.ts";
import type { Cell, ResultRow } from "../../functions/edges.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { readCatalogue } from "../../queries/catalogue.ts";
import type { NamedQuery } from "../../queries/named-query.ts";
import type { Answer, TrinoClient } from "./client.ts";
import type { TestLake } from "./lakes.ts";
import { trinoTypes } from "./tables.ts";

type Parameters = TestLake["parameters"];

export function sameRowsTests(client: () => TrinoClient, lakes: () => readonly TestLake[]): void {
  for (const query of readCatalogue().values()) {
    test(`${query.name}: the same rows on Trino as on DuckDB`, async (context) => {
      let rowsSeen = 0;
      for (const lake of lakes()) {
        const duckdb = await openLake(lake.folder);
        try {
          for (const parameters of variants(query, lake.parameters)) {
            rowsSeen += await compare(query, parameters, { duckdb, trino: client(), lake: lake.name });
          }
        } finally {
          duckdb.close();
        }
      }
      ok(rowsSeen > 0, `${query.name} answers nowhere with rows: give one of the lakes in test/trino/lakes.ts a case for it`);
      context.diagnostic(`${rowsSeen} rows compared`);
    });
  }
}

/** The parameters as a query takes them, once with its defaults and once with each minimum so low that it holds nothing back. */
function variants(query: NamedQuery, given: Parameters): readonly Parameters[] {
  const lowest = query.parameters.filter(({ name }) => name.endsWith("_min")).map(({ name }) => [name, 0] as const);
  return lowest.length === 0 ? [given] : [given, { ...given, ...Object.fromEntries(lowest) }];
}

interface Engines {
  readonly duckdb: Lake;
  readonly trino: TrinoClient;
  readonly lake: string;
}

async function compare(query: NamedQuery, parameters: Parameters, { duckdb, trino, lake }: Engines): Promise<number> {
  const where = `${query.name} on ${lake} with ${JSON.stringify(parameters)}`;
  const answer = await trino.execute(query.sql, executionParameters(query, parameters), { schema: lake });
  const expected = await duckdb.run(query.name, parameters);
  checkColumns(query, answer);
  equal(answer.rows.length, expected.length, `${where}: rows on Trino, on DuckDB`);
  for (const [at, row] of expected.entries()) compareRow(row, answer, at, where);
  return expected.length;
}

/** Names as the header promises, and types that every adapter can read: no decimals, no zones, no 32-bit surprises. */
function checkColumns(query: NamedQuery, { columns }: Answer): void {
  const promised = query.result.replaceAll(/\s*\([^)]*\)/g, "").split(", ");
  equal(columns.map(({ name }) => name).join(", "), promised.join(", "), `${query.name}: the columns that its header names`);
  const known = Object.values(trinoTypes);
  for (const { name, type } of columns) {
    ok(known.includes(type.replace(/^varchar\(\d+\)$/, "varchar")), `${query.name}.${name} is ${type} on Trino`);
  }
}

function compareRow(expected: ResultRow, { columns, rows }: Answer, at: number, where: string): void {
  equal(Object.keys(expected).join(), columns.map(({ name }) => name).join(), `${where}: columns on DuckDB, on Trino`);
  for (const [place, { name, type }] of columns.entries()) {
    const [trino, duckdb] = [rows[at]?.[place] ?? null, expected[name] ?? null];
    ok(
      sameCell(trino, duckdb, type),
      `${where}: row ${at}, ${name}: Trino ${JSON.stringify(trino)}, DuckDB ${JSON.stringify(duckdb)}`,
    );
  }
}

/** Sums of doubles depend on their order, so doubles may differ in the last digits; everything else is equal or wrong. */
const DOUBLE_ERROR_MAX = 1e-9;

export function sameCell(left: Cell, right: Cell, type: string): boolean {
  if (type === "double" && typeof left === "number" && typeof right === "number") {
    return Object.is(left, right) || Math.abs(left - right) <= DOUBLE_ERROR_MAX * Math.max(Math.abs(left), Math.abs(right));
  }
  // Not by their JSON: there NaN, which DuckDB gives where Trino gives NULL, would be null.
  return isDeepStrictEqual(left, right);
}
