// What is made of the engine's answers, and what counts as the same cell, without a server.
import { deepEqual, equal, rejects } from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { quoted, trinoClient } from "./client.ts";
import { sameCell } from "./same-rows.ts";

test("a text that is quoted cannot be broken out of", () => {
  equal(quoted("'; DROP TABLE t --"), "'''; DROP TABLE t --'");
});

test("cells are the same only if they are: exact integers, doubles to nine digits, NULL is not 0", () => {
  const largest = Number.MAX_SAFE_INTEGER;
  const same = [
    [sameCell(0.1 + 0.2, 0.3, "double"), true],
    [sameCell(1, 1 + 1e-8, "double"), false],
    [sameCell(Number.NaN, Number.NaN, "double"), true],
    [sameCell(Number.NaN, null, "double"), false],
    [sameCell(largest, largest - 1, "bigint"), false],
    [sameCell(null, 0, "bigint"), false],
    [sameCell(null, "", "varchar"), false],
    [sameCell([1, 2], [1, 2], "array(bigint)"), true],
    [sameCell([1, 2], [2, 1], "array(bigint)"), false],
  ] as const;
  for (const [at, [found, expected]] of same.entries()) equal(found, expected, `case ${at}`);
});

test("an answer comes page by page; the last page's statistics count, and a late error is an error", async () => {
  const stats = (processedRows: number) => ({ processedRows, physicalInputBytes: processedRows * 8, totalSplits: 1 });
  const columns = [
    { name: "a", type: "bigint" },
    { name: "b", type: "timestamp(3)" },
    { name: "c", type: "double" },
  ];
  const server = createServer((request, response) => {
    const page = (name: string) => `http://${request.headers.host}/${name}`;
    const pages: Record<string, object> = {
      "/v1/statement": { nextUri: page("1"), stats: stats(0) },
      "/1": { nextUri: page("2"), columns, data: [[1, "2026-11-23 00:00:00.001", "NaN"]], stats: stats(1) },
      "/2": { nextUri: page("3"), columns, data: [[2, null, 0.5]], stats: stats(2) },
      "/3": { columns, stats: stats(2) },
      "/late/v1/statement": { nextUri: page("error"), columns, data: [[1, null, null]], stats: stats(1) },
      "/error": { error: { errorName: "DIVISION_BY_ZERO", message: "Division by zero" }, stats: stats(1) },
    };
    const answer = pages[request.url ?? ""];
    response.writeHead(answer === undefined ? 503 : 200).end(JSON.stringify(answer ?? "busy"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = await trinoClient(url).query("SELECT 1");
    deepEqual(answer.rows, [
      [1, Date.UTC(2026, 10, 23, 0, 0, 0, 1), Number.NaN],
      [2, null, 0.5],
    ]);
    deepEqual(answer.statistics, { inputRows: 2, inputBytes: 16, splits: 1 });
    await rejects(trinoClient(`${url}/late`).query("SELECT 1"), /DIVISION_BY_ZERO: Division by zero/);
    await rejects(trinoClient(`${url}/busy`).query("SELECT 1"), /Trino answered 503/);
  } finally {
    server.close();
  }
});
