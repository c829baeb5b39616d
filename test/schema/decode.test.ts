// Lines that are not what they should be: each leaves a reason, and costs no more than its own part.
// Well-formed batches are wire.test.ts.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { decodeBatch, LIST_LENGTH_MAX, ROW_AGE_MAX_MS, ROW_FUTURE_MAX_MS, STRING_LENGTH_MAX } from "../../schema/decode.ts";
import { BATCH_ROWS_MAX } from "../../schema/wire.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const identity = { host_id: "i-1", boot_id: "b-1" };

/** Columns of as many rows as `pid` has, valid but for what `given` replaces. */
function processColumns(given: Record<string, unknown>, n = 3): Record<string, unknown> {
  const column = (value: unknown) => new Array(n).fill(value);
  return {
    sampled_at: column(NOW_MS),
    sequence: column(1),
    pid: column(7),
    process_key: column("k"),
    service: column("s"),
    ...given,
  };
}

const batch = (c: Record<string, unknown>, n: unknown = 3, host: unknown = identity) =>
  JSON.stringify({ v: 1, host, k: { process: { n, c } } });

const outcome = (line: string) => {
  const { tables, rejects, rejectedRowCount } = decodeBatch(line, NOW_MS);
  return {
    rows: tables.process?.rowCount ?? 0,
    rejectedRows: rejectedRowCount,
    rejects: rejects.map(({ reason, row, field }) => [reason, row, field]),
  };
};

const whole = (reason: string) => ({ rows: 0, rejectedRows: 0, rejects: [[reason, null, null]] });
const second = (reason: string, field: string) => ({ rows: 2, rejectedRows: 1, rejects: [[reason, 1, field]] });

const cases: { name: string; line: string; expected: ReturnType<typeof outcome> | object }[] = [
  { name: "not JSON", line: "{", expected: whole("json") },
  { name: "an array", line: "[1]", expected: whole("shape") },
  { name: "null", line: "null", expected: whole("shape") },
  { name: "a version of the future", line: '{"v":2,"host":{},"k":{}}', expected: whole("version") },
  { name: "no host", line: '{"v":1,"k":{}}', expected: whole("shape") },
  { name: "kinds that are an array", line: '{"v":1,"host":{},"k":[]}', expected: whole("shape") },
  { name: "no kinds", line: '{"v":1,"host":{},"k":{}}', expected: { rows: 0, rejectedRows: 0, rejects: [] } },
  { name: "a negative row count", line: batch({}, -1), expected: whole("shape") },
  { name: "a row count beyond the limit", line: batch({}, BATCH_ROWS_MAX + 1), expected: whole("shape") },
  {
    name: "a kind nobody knows",
    line: '{"v":1,"host":{},"k":{"novel":{"n":4,"c":{}}}}',
    expected: { ...whole("unknown_kind"), rejectedRows: 4 },
  },
  {
    name: "a kind named like a property of every object",
    line: '{"v":1,"host":{},"k":{"constructor":{"n":1,"c":{}}}}',
    expected: { ...whole("unknown_kind"), rejectedRows: 1 },
  },
  {
    name: "an unknown column, which costs no row",
    line: batch(processColumns({ novel: [1, 2, 3] })),
    expected: { rows: 3, rejectedRows: 0, rejects: [["unknown_column", null, "novel"]] },
  },
  {
    name: "a column shorter than the rows",
    line: batch(processColumns({ rss_bytes: [1, 2] })),
    expected: { rows: 0, rejectedRows: 3, rejects: [["shape", null, "rss_bytes"]] },
  },
  {
    name: "a column that is no array",
    line: batch(processColumns({ rss_bytes: "1" })),
    expected: { rows: 0, rejectedRows: 3, rejects: [["shape", null, "rss_bytes"]] },
  },
  {
    name: "text where a number belongs",
    line: batch(processColumns({ rss_bytes: [1, "2", 3] })),
    expected: second("type", "rss_bytes"),
  },
  {
    name: "a number where text belongs",
    line: batch(processColumns({ comm: ["a", 2, null] })),
    expected: second("type", "comm"),
  },
  { name: "a negative count", line: batch(processColumns({ rss_bytes: [1, -1, 3] })), expected: second("range", "rss_bytes") },
  {
    name: "a fraction of a byte",
    line: batch(processColumns({ rss_bytes: [1, 0.5, null] })),
    expected: second("range", "rss_bytes"),
  },
  {
    name: "an integer beyond 2^53",
    line: batch(processColumns({ rss_bytes: [1, 2 ** 53, 3] })),
    expected: second("range", "rss_bytes"),
  },
  {
    name: "a text beyond the limit",
    line: batch(processColumns({ comm: ["a", "x".repeat(STRING_LENGTH_MAX + 1), "b"] })),
    expected: second("range", "comm"),
  },
  {
    name: "a list beyond the limit",
    line: batch(processColumns({ free_bytes_by_size: [[], new Array(LIST_LENGTH_MAX + 1).fill(1), null] })),
    expected: second("range", "free_bytes_by_size"),
  },
  {
    name: "a list with a null in it",
    line: batch(processColumns({ free_bytes_by_size: [[1], [null], [2]] })),
    expected: second("range", "free_bytes_by_size"),
  },
  {
    name: "a row without its service",
    line: batch(processColumns({ service: ["a", null, "b"] })),
    expected: second("missing", "service"),
  },
  {
    name: "a row older than the limit",
    line: batch(processColumns({ sampled_at: [NOW_MS, NOW_MS - ROW_AGE_MAX_MS - 1, NOW_MS - ROW_AGE_MAX_MS] })),
    expected: second("time", "sampled_at"),
  },
  {
    name: "a row from the future",
    line: batch(processColumns({ sampled_at: [NOW_MS, NOW_MS + ROW_FUTURE_MAX_MS + 1, NOW_MS + ROW_FUTURE_MAX_MS] })),
    expected: second("time", "sampled_at"),
  },
];

for (const { name, line, expected } of cases) {
  test(`a line with ${name}`, () => deepEqual(outcome(line), expected));
}

test("a host without an id costs all rows of the batch, for one reason", () => {
  const expected = { rows: 0, rejectedRows: 3, rejects: [["missing", null, "host_id"]] };
  deepEqual(outcome(batch(processColumns({}), 3, { boot_id: "b-1" })), expected);
});

test("the rows that stay keep their own values", () => {
  const { tables } = decodeBatch(batch(processColumns({ pid: [1, 2, 3], rss_bytes: [10, "bad", null] })), NOW_MS);
  deepEqual(tables.process?.columns["pid"], [1, 3]);
  deepEqual(tables.process?.columns["rss_bytes"], [10, null]);
});

test("one bad kind leaves the other whole", () => {
  const c = { sampled_at: [NOW_MS], sequence: [1] };
  const line = JSON.stringify({ v: 1, host: identity, k: { process: { n: 1, c: {} }, host: { n: 1, c } } });
  const { tables, rejectedRowCount } = decodeBatch(line, NOW_MS);
  deepEqual(Object.keys(tables), ["host"]);
  equal(rejectedRowCount, 1);
});

test("a key named __proto__ reaches no object's prototype", () => {
  const line = `{"v":1,"host":{"host_id":"i-1","boot_id":"b-1","__proto__":{"polluted":1}},"k":{"process":{"n":1,"c":{"__proto__":[1]}}}}`;
  decodeBatch(line, NOW_MS);
  equal(({} as { polluted?: number }).polluted, undefined);
});

test("a rejected value is shortened before it is kept", () => {
  const { rejects } = decodeBatch(batch(processColumns({ comm: ["a", "x".repeat(5_000), "b"] })), NOW_MS);
  equal(rejects[0]?.value, `${"x".repeat(80)}... (5000 characters)`);
});
