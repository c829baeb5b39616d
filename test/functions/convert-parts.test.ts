// The converter on objects that do not fit into one part, that are converted twice at once, and that break off.
// What one part holds, and how bad input is answered, is convert.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Context, SQSEvent } from "aws-lambda";
import { createConvertHandler } from "../../functions/convert.ts";
import { ROW_GROUP_ROWS_MAX } from "../../functions/core/parquet/write.ts";
import type { ObjectStore } from "../../functions/edges.ts";
import { type HostSample, noSamples } from "../../schema/columns.ts";
import { rawKey } from "../../schema/keys.ts";
import { BATCH_ROWS_MAX } from "../../schema/wire.ts";
import { memoryStore } from "../support/memory-store.ts";
import { queryWithDuckdb } from "./core/parquet/readers.ts";
import { gzipMember, hostOf } from "./process-samples.ts";

const ARRIVED_AT_MS = Date.UTC(2026, 10, 23, 12);
const KEY = rawKey(ARRIVED_AT_MS, "large");
const MEMBERS = 9;
const ROWS = MEMBERS * BATCH_ROWS_MAX;

const hostRows = (member: number): HostSample[] =>
  Array.from({ length: BATCH_ROWS_MAX }, (_, row) => ({
    sampled_at: ARRIVED_AT_MS + row,
    sequence: member * BATCH_ROWS_MAX + row,
    mem_total_bytes: 2 ** 34,
  }));
const object = Buffer.concat(
  Array.from({ length: MEMBERS }, (_, member) => gzipMember(hostOf(0), { ...noSamples, host: hostRows(member) })),
);

const event = {
  Records: [
    {
      messageId: "one",
      body: JSON.stringify({ detail: { bucket: { name: "b" }, object: { key: KEY, size: object.length } } }),
      attributes: { SentTimestamp: String(ARRIVED_AT_MS) },
    },
  ],
} as unknown as SQSEvent;

const convertWith = (raw: ObjectStore, lake: ObjectStore) =>
  createConvertHandler({
    raw,
    rawBucket: "b",
    lake,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    nowMs: () => ARRIVED_AT_MS,
    report: () => {},
  })(event, {} as Context);

test("an object of more rows than a part becomes several files, which hold every row once", async () => {
  ok(ROWS > ROW_GROUP_ROWS_MAX, "the test needs more rows than a part holds");
  const store = memoryStore();
  store.objects.set(KEY, object);
  await convertWith(store, store);
  const files = [...store.objects.keys()].filter((key) => key.endsWith(".parquet")).sort();
  deepEqual(
    files.map((key) => key.slice(-"-00000.parquet".length)),
    ["-00000.parquet", "-00001.parquet"],
  );
  const sequences = new Set<number>();
  for (const file of files) {
    const rows = await queryWithDuckdb(store.objects.get(file) ?? Buffer.alloc(0), "SELECT sequence FROM t");
    for (const { sequence } of rows) sequences.add(Number(sequence));
  }
  equal(sequences.size, ROWS);
});

test("two converters at work on the same object at once leave what one of them would", async () => {
  const alone = memoryStore();
  alone.objects.set(KEY, object);
  await convertWith(alone, alone);
  const shared = memoryStore();
  shared.objects.set(KEY, object);
  await Promise.all([convertWith(shared, shared), convertWith(shared, shared)]);
  deepEqual([...shared.objects.keys()].sort(), [...alone.objects.keys()].sort());
  for (const [key, bytes] of alone.objects) ok(Buffer.from(bytes).equals(shared.objects.get(key) ?? Buffer.alloc(0)), key);
});

test("an object whose reading breaks off goes back to the queue, and the next try writes the same files", async () => {
  const store = memoryStore();
  store.objects.set(KEY, object);
  const breaking: ObjectStore = {
    ...store,
    async open() {
      return brokenOff(object.subarray(0, object.length / 2));
    },
  };
  deepEqual(await convertWith(breaking, store), { batchItemFailures: [{ itemIdentifier: "one" }] });
  deepEqual(await convertWith(store, store), { batchItemFailures: [] });
  const again = memoryStore();
  again.objects.set(KEY, object);
  await convertWith(again, again);
  deepEqual([...store.objects.keys()].sort(), [...again.objects.keys()].sort());
});

async function* brokenOff(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error("the connection was reset");
}
