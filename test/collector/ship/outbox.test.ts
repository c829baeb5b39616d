// Rows on their way out: split, kept while delivery fails, dropped and counted beyond the limit.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { createOutbox, type Delivery, encodeRecords } from "../../../collector/ship/outbox.ts";
import { decodeBatch } from "../../../schema/decode.ts";
import { collectorSample, hostIdentity, hostSample, processSample, samples } from "../../support/samples.ts";

const NOW_MS = 1_800_000_000_000;
const BUFFER_BYTES = 64 * 1_024 * 1_024;
const outboxTo = (deliver: Delivery["deliver"], bufferBytesMax: number) =>
  createOutbox({
    host: () => hostIdentity,
    delivery: { deliver },
    bufferBytesMax,
    flushMs: 300_000,
    nowMs: () => 0,
    random: () => 0.5,
    log: () => undefined,
  });

/** Text that gzip cannot shrink. */
const noise = (bytes: number) => randomBytes(bytes).toString("base64");

const rowsOf = (records: readonly Uint8Array[]) =>
  records.flatMap((record) => decodeBatch(gunzipSync(record).toString(), NOW_MS).tables.process?.columns["sequence"] ?? []);

test("what is added comes out decoded as it was, rows of one process together", async () => {
  const delivered: Uint8Array[] = [];
  const deliver = async (records: readonly Uint8Array[]) => {
    delivered.push(...records);
    return null;
  };
  const outbox = outboxTo(deliver, BUFFER_BYTES);
  outbox.add(
    samples({
      process: [processSample({ pid: 9, sequence: 1 }), processSample({ pid: 3, sequence: 2 })],
      host: [hostSample()],
    }),
  );
  outbox.add(samples({ process: [processSample({ pid: 9, sequence: 4 })], collector: [collectorSample()] }));
  equal(await outbox.flush(), null);
  equal(delivered.length, 1);
  deepEqual(rowsOf(delivered), [2, 1, 4]);
  equal(await outbox.flush(), null);
  equal(delivered.length, 1, "nothing is delivered twice");
});

test("rows that exceed a record are halved until each record fits, and none is lost", () => {
  const process = Array.from({ length: 40 }, (_, sequence) => processSample({ sequence, tunables: noise(600) }));
  const records = encodeRecords(hostIdentity, samples({ process }), 8_000);
  ok(records.length > 1);
  for (const { bytes } of records) ok(bytes.length <= 8_000, `${bytes.length} bytes`);
  deepEqual(
    rowsOf(records.map(({ bytes }) => bytes)),
    process.map(({ sequence }) => sequence),
  );
});

test("while delivery fails rows wait; once it works they arrive in order", async () => {
  const delivered: Uint8Array[] = [];
  let isDown = true;
  const deliver = async (records: readonly Uint8Array[]) => {
    if (isDown) throw new Error("no route to host");
    delivered.push(...records);
    return null;
  };
  const outbox = outboxTo(deliver, BUFFER_BYTES);
  outbox.add(samples({ process: [processSample({ sequence: 1 })] }));
  match(String((await outbox.flush())?.cause), /no route to host/);
  outbox.add(samples({ process: [processSample({ sequence: 2 })] }));
  isDown = false;
  equal(await outbox.flush(), null);
  deepEqual(rowsOf(delivered), [1, 2]);
  equal(outbox.takeDroppedRowCount(), 0);
});

test("of a delivery that was taken in part only the rest waits, and it comes before what is newer", async () => {
  const delivered: Uint8Array[] = [];
  let isFirst = true;
  const deliver = async (records: readonly Uint8Array[]) => {
    const left = isFirst ? [records.length - 1] : [];
    isFirst = false;
    delivered.push(...records.filter((_, index) => !left.includes(index)));
    return left.length === 0 ? null : { indices: left, error: new Error("slow down") };
  };
  const outbox = outboxTo(deliver, BUFFER_BYTES);
  const process = Array.from({ length: 2_000 }, (_, index) =>
    processSample({ sequence: index, pid: index, tunables: noise(700) }),
  );
  outbox.add(samples({ process }));
  const error = await outbox.flush();
  equal(error?.message, "1 of 2 records wait for delivery");
  match(String(error?.cause), /slow down/);
  equal(rowsOf(delivered).length, 1_000);
  outbox.add(samples({ process: [processSample({ sequence: 2_000 })] }));
  equal(await outbox.flush(), null);
  deepEqual(rowsOf(delivered), [...process.keys(), 2_000]);
  equal(outbox.takeDroppedRowCount(), 0);
});

test("a single row larger than a record is dropped and counted: it must not hold up the others for ever", async () => {
  const delivered: Uint8Array[] = [];
  const deliver = async (records: readonly Uint8Array[]) => {
    delivered.push(...records);
    return null;
  };
  const outbox = outboxTo(deliver, BUFFER_BYTES);
  const huge = processSample({ sequence: 1, pid: 1, tunables: noise(2_000_000) });
  outbox.add(samples({ process: [huge, processSample({ sequence: 2, pid: 2 })] }));
  equal(await outbox.flush(), null);
  deepEqual(rowsOf(delivered), [2]);
  equal(outbox.takeDroppedRowCount(), 1);
});

test("beyond the buffer the oldest rows are dropped, and the drop is counted once", async () => {
  const deliver = () => Promise.reject(new Error("down"));
  const outbox = outboxTo(deliver, 20_000);
  for (let sequence = 0; sequence < 30; sequence++) {
    outbox.add(samples({ process: [processSample({ sequence, tunables: noise(700) })] }));
    await outbox.flush();
  }
  const dropped = outbox.takeDroppedRowCount();
  ok(dropped > 0 && dropped < 30, `${dropped} rows dropped`);
  equal(outbox.takeDroppedRowCount(), 0);
});
