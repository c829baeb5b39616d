// Lines made to hurt: more that is wrong than anybody would read, brackets without end, names nobody knows.
// What single wrong values lead to is decode.test.ts's.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { processColumns } from "../../schema/columns.ts";
import { decodeBatch, REJECTS_PER_LINE_MAX } from "../../schema/decode.ts";
import { BATCH_ROWS_MAX } from "../../schema/wire.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const identity = { host_id: "i-1", boot_id: "b-1" };
const required = { sampled_at: NOW_MS, sequence: 1, pid: 7, process_key: "k", service: "s" };

const column = (n: number, value: unknown) => new Array<unknown>(n).fill(value);
const section = (n: number, given: Readonly<Record<string, unknown>> = {}) => ({
  n,
  c: { ...Object.fromEntries(Object.entries(required).map(([name, value]) => [name, column(n, value)])), ...given },
});
const line = (given: Readonly<Record<string, unknown>>) => JSON.stringify({ v: 1, host: identity, k: {}, ...given });
const decode = (text: string) => decodeBatch(text, NOW_MS);
const reasons = (text: string) => decode(text).rejects.map(({ reason, kind, field }) => [reason, kind, field]);

test("a full batch of nothing but wrong values keeps some reasons and counts them all", () => {
  const rowColumns = Object.entries(processColumns).filter(([, about]) => !("perBatch" in about));
  const c = Object.fromEntries(rowColumns.map(([name]) => [name, column(BATCH_ROWS_MAX, true)]));
  const { tables, rejects, rejectCount, rejectedRowCount } = decode(line({ k: { process: { n: BATCH_ROWS_MAX, c } } }));
  deepEqual(tables, {});
  equal(rejects.length, REJECTS_PER_LINE_MAX);
  equal(rejectCount, BATCH_ROWS_MAX * rowColumns.length);
  equal(rejectedRowCount, BATCH_ROWS_MAX);
});

test("reasons at the limit are all kept, one more is counted", () => {
  for (const wrong of [REJECTS_PER_LINE_MAX, REJECTS_PER_LINE_MAX + 1]) {
    const rss_bytes = [...column(wrong, -1), 1];
    const { tables, rejects, rejectCount, rejectedRowCount } = decode(
      line({ k: { process: section(wrong + 1, { rss_bytes }) } }),
    );
    equal(rejects.length, REJECTS_PER_LINE_MAX);
    deepEqual([rejectCount, rejectedRowCount, tables.process?.rowCount], [wrong, wrong, 1]);
  }
});

test("the limit is one for the line, not one for each kind", () => {
  const host = { n: 900, c: { sampled_at: column(900, NOW_MS), sequence: column(900, -1) } };
  const { rejects, rejectCount, rejectedRowCount } = decode(
    line({ k: { process: section(900, { rss_bytes: column(900, -1) }), host } }),
  );
  deepEqual([rejects.length, rejectCount, rejectedRowCount], [REJECTS_PER_LINE_MAX, 1_800, 1_800]);
});

test("brackets nested deeper than the stack are refused like anything else, whole or in the place of a value", () => {
  const nested = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  deepEqual(
    decode(nested).rejects.map(({ reason, value }) => [reason, value]),
    [["shape", "[...] nested deep"]],
  );
  const inside = line({ k: { process: section(2, { comm: ["a", "here"] }) } }).replace('"here"', nested);
  const { tables, rejects } = decode(inside);
  equal(tables.process?.rowCount, 1);
  deepEqual(
    rejects.map(({ reason, row, value }) => [reason, row, value]),
    [["type", 1, "[...] nested deep"]],
  );
});

test("what all rows share is judged once, and costs all of them", () => {
  const wrong = [
    [{ ...identity, host_id: 7 }, "type"],
    [{ ...identity, host_id: "x".repeat(2_000) }, "range"],
    [{ host_id: "i-1" }, "missing"],
    [{ ...identity, host_name: ["a"] }, "type"],
  ] as const;
  for (const [host, reason] of wrong) {
    const { rejects, rejectCount, rejectedRowCount } = decode(line({ host, k: { process: section(50) } }));
    deepEqual([rejects[0]?.reason, rejects[0]?.row, rejectCount, rejectedRowCount], [reason, null, 1, 50]);
  }
});

test("a required column that is not there at all is one reason, however many rows miss it", () => {
  const { service: _, ...c } = section(50).c as Record<string, unknown>;
  const { rejectCount, rejectedRowCount } = decode(line({ k: { process: { n: 50, c } } }));
  deepEqual([rejectCount, rejectedRowCount], [1, 50]);
});

test("a section whose columns are no object counts its rows as rejected", () => {
  const { rejects, rejectedRowCount } = decode(line({ k: { process: { n: 50, c: [] } } }));
  deepEqual([rejects[0]?.reason, rejectedRowCount], ["shape", 50]);
});

test("every name that nobody knows is named once, wherever it stands, and costs no row", () => {
  const process = { ...section(3, { novel: [1, 2, 3], host_id: ["a", "b", "c"] }), z: 1 };
  const text = line({ host: { ...identity, novel_place: "r", pid: 7 }, k: { process }, compression: "none" });
  deepEqual(reasons(text), [
    ["unknown_column", null, "compression"],
    ["unknown_column", null, "novel_place"],
    ["unknown_column", null, "pid"],
    ["unknown_column", "process", "z"],
    ["unknown_column", "process", "novel"],
    ["unknown_column", "process", "host_id"],
  ]);
  const { tables, rejectedRowCount } = decode(text);
  deepEqual([tables.process?.rowCount, rejectedRowCount], [3, 0]);
  deepEqual(tables.process?.columns["host_id"], ["i-1", "i-1", "i-1"]);
});
