// What one bad line may cost: its own reasons up to a limit, counted to the last, and nothing of its neighbours.
// Single reasons are test/schema/decode*.test.ts's; messages and members are convert.test.ts's and convert-damage.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readRawObject } from "../../functions/core/raw-object.ts";
import { encodeRejects, REJECT_LINES_MAX } from "../../functions/core/rejects.ts";
import { type ProcessSample, sampleKinds } from "../../schema/columns.ts";
import { REJECTS_PER_LINE_MAX } from "../../schema/decode.ts";
import { encodeBatch } from "../../schema/wire.ts";
import { hostOf, processesOnly, processSample } from "./process-samples.ts";

const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);
const KEY = "raw/dt=2026-11-23/hr=12/lines";

async function read(...lines: string[]) {
  async function* object() {
    yield gzipSync(lines.join(""));
  }
  const { parts, rejects, counts } = readRawObject(object(), { key: KEY, arrivedAtMs: ARRIVED_AT_MS });
  for await (const part of parts) deepEqual(Object.keys(part).sort(), [...sampleKinds].sort());
  const written = encodeRejects(rejects).toString().trimEnd().split("\n");
  return { counts, rejectCount: rejects.count, written: written.map((line) => JSON.parse(line)) };
}

const good = (process: number) => encodeBatch(hostOf(0), processesOnly([processSample(0, process, 0, ARRIVED_AT_MS)]));
/** A batch whose first `wrong` rows have a negative size. */
const partlyWrong = (rows: number, wrong: number) =>
  encodeBatch(
    hostOf(1),
    processesOnly(
      Array.from({ length: rows }, (_, row): ProcessSample => {
        const sample = processSample(1, row, 0, ARRIVED_AT_MS);
        return row < wrong ? { ...sample, rss_bytes: -1 } : sample;
      }),
    ),
  );

test("a line with more reasons than are kept: the rest is counted, the last line says how many, its good rows are taken", async () => {
  const { counts, rejectCount, written } = await read(good(1), partlyWrong(3_000, 2_500), good(2));
  deepEqual([counts.rows.process, counts.rejectedRows, rejectCount], [502, 2_500, 2_500]);
  equal(written.length, REJECTS_PER_LINE_MAX + 1);
  ok(written.slice(0, -1).every((line) => line.line === 1 && line.reason === "range" && line.object_key === KEY));
  deepEqual(written.at(-1), {
    object_key: KEY,
    member: null,
    line: null,
    kind: null,
    row: null,
    field: null,
    value: "1500 more",
    limit: `${REJECTS_PER_LINE_MAX} reasons a line, ${REJECT_LINES_MAX} an object`,
    reason: "more_rejects",
  });
});

test("both limits together: what is written and what is counted add up to every reason", async () => {
  const lines = Array.from({ length: 12 }, () => partlyWrong(1_100, 1_100));
  const { counts, rejectCount, written } = await read(...lines);
  deepEqual([counts.rows.process, counts.rejectedRows, rejectCount], [0, 13_200, 13_200]);
  equal(written.length, REJECT_LINES_MAX + 1);
  equal(written.at(-1).value, `${13_200 - REJECT_LINES_MAX} more`);
});

test("a line of brackets nested without end costs itself, not the object", async () => {
  const { counts, written } = await read(good(1), `${"[".repeat(100_000)}${"]".repeat(100_000)}\n`, good(2));
  equal(counts.rows.process, 2);
  deepEqual(
    written.map(({ line, reason, value }) => [line, reason, value]),
    [[1, "shape", "[...] nested deep"]],
  );
});
