// An outage, from the first row that is refused to the last that arrives late: outbox, spool and a loopback Firehose together.
// The clock is passed in: an hour takes a second.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Delivery } from "../../../collector/ship/outbox.ts";
import type { Spool } from "../../../collector/ship/spool.ts";
import { decodeBatch } from "../../../schema/decode.ts";
import { throttled } from "../../aws/faults.ts";
import { skipReason } from "../../support/need.ts";
import {
  fullestQuarter,
  heapBytes,
  minutes,
  PROCESSES,
  START_MS,
  sequencesOf,
  startHost,
  streamed,
} from "../../support/shipping-host.ts";
import { MIB, newFolder, spoolIn } from "../../support/spool.ts";

test("an hour without the endpoint: memory stays, nothing is lost, and the way back is never twice as fast as usual", async () => {
  await using use = await streamed();
  const clock = { ms: 0 };
  const sent: { ms: number; bytes: number }[] = [];
  const delivery: Delivery = {
    async deliver(records) {
      const left = await use.delivery.deliver(records);
      const bytes = records.reduce((sum, record, index) => sum + (left?.indices.includes(index) ? 0 : record.length), 0);
      sent.push({ ms: clock.ms, bytes });
      return left;
    },
  };
  let spool: Spool | null = null;
  const openSpool = () => {
    spool = spoolIn(newFolder());
    return spool;
  };
  const host = startHost({ delivery, clock, openSpool });
  await minutes(host, 30);
  const usual = fullestQuarter(sent);
  use.aws.faults.inject({ service: "firehose", operation: "PutRecordBatch", ...throttled });
  await minutes(host, 5);
  const heapBefore = heapBytes();
  await minutes(host, 55);
  ok(heapBytes() - heapBefore < 2 * MIB, "an hour of rows is on the disk, not in memory");
  const attempts = use.aws.calls.length;
  equal(host.logs.length, 1, host.logs.join("\n"));
  match(host.logs[0] ?? "", /delivery is in trouble .*ThrottlingException.*higher quota/);
  use.aws.faults.clear();
  const recoveredMs = clock.ms;
  await minutes(host, 150);
  ok(attempts < 40, `${attempts} calls: throttling was respected`);
  equal(host.logs.length, 2);
  match(host.logs[1] ?? "", /delivery is well again/);

  const after = sent.filter(({ ms }) => ms > recoveredMs);
  const fullest = fullestQuarter(after);
  ok(fullest <= 2 * usual, `${fullest} bytes in a quarter of an hour, ${usual} are usual`);
  await host.outbox.flush();
  const found = sequencesOf(use.arrived());
  deepEqual(
    host.made.filter((sequence) => !new Set(found).has(sequence)),
    [],
    "lost",
  );
  equal(found.length, new Set(found).size, "nothing was sent twice");
  equal((spool as Spool | null)?.state().rowCount, 0);
  equal(host.outbox.takeDroppedRowCount(), 0);
});

test("records of a batch that are refused come again alone, and arrive once", async () => {
  await using use = await streamed();
  const clock = { ms: 0 };
  const host = startHost({ delivery: use.delivery, clock, openSpool: () => spoolIn(newFolder()) });
  let refusals = 6;
  use.aws.firehose.refuse(() => refusals-- > 0);
  await minutes(host, 60);
  await host.outbox.flush();
  const found = sequencesOf(use.arrived());
  deepEqual(
    found.toSorted((a, b) => a - b),
    host.made,
  );
});

test("a collector that is killed leaves its rows to the next, and no sequence comes twice", async () => {
  await using use = await streamed();
  const folder = newFolder();
  const clock = { ms: 0 };
  let spool: Spool | undefined;
  const first = startHost({
    delivery: use.delivery,
    clock,
    openSpool: () => {
      spool = spoolIn(folder);
      return spool;
    },
  });
  // Two shipments, and three minutes that nobody has shipped when it ends; closing lets go of the lock and nothing else.
  await minutes(first, 14);
  spool?.close();
  const second = startHost({ delivery: use.delivery, clock, openSpool: () => spoolIn(folder), first: 1_000_000 });
  await minutes(second, 30);
  await second.outbox.flush();
  const found = sequencesOf(use.arrived());
  const distinct = new Set(found);
  deepEqual(
    [...first.made, ...second.made].filter((sequence) => !distinct.has(sequence)),
    [],
    "lost",
  );
  ok(found.length - distinct.size <= PROCESSES, `${found.length - distinct.size} rows twice: at most the batch that was cut`);
});

test("what the outbox says of itself travels in the collector's own row", async () => {
  const delivered: Uint8Array[] = [];
  let failures = 0;
  const deliver = async (records: readonly Uint8Array[]) => {
    if (failures < 3) throw new Error(`down ${failures++}`);
    delivered.push(...records);
    return null;
  };
  const host = startHost({ delivery: { deliver }, clock: { ms: 0 }, openSpool: () => spoolIn(newFolder()) });
  await minutes(host, 60);
  const rows = delivered.flatMap((record) =>
    gunzipSync(record)
      .toString()
      .split("\n")
      .slice(0, -1)
      .flatMap((line) => decodeBatch(line, START_MS + 86_400_000).tables.collector?.columns["delivery_failure_count"] ?? []),
  );
  equal(
    rows.reduce<number>((sum, count) => sum + Number(count), 0),
    failures,
  );
});

test("a folder that may not be used is refused once, in words, and the rows go out all the same", async () => {
  const delivered: Uint8Array[] = [];
  const deliver = async (records: readonly Uint8Array[]) => {
    delivered.push(...records);
    return null;
  };
  const openSpool = () => {
    throw new Error("spool folder /x is refused: its mode is 777, others may write to it");
  };
  const host = startHost({ delivery: { deliver }, clock: { ms: 0 }, openSpool });
  await minutes(host, 30);
  await host.outbox.flush();
  equal(host.logs.length, 1);
  match(host.logs[0] ?? "", /spool is in trouble .*its mode is 777/);
  deepEqual(
    sequencesOf(delivered).toSorted((a, b) => a - b),
    host.made,
  );
});

const skip = process.geteuid?.() === 0 ? false : skipReason("only root may mount a small disk to fill");

test("a full disk: rows wait in memory, it is said once, and they move to the disk when there is room", { skip }, async () => {
  const disk = mkdtempSync(join(tmpdir(), "tidemark-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", disk]);
  try {
    const delivered: Uint8Array[] = [];
    let isDown = true;
    const deliver = async (records: readonly Uint8Array[]) => {
      if (isDown) throw new Error("down");
      delivered.push(...records);
      return null;
    };
    const spool = spoolIn(join(disk, "spool"));
    const host = startHost({ delivery: { deliver }, clock: { ms: 0 }, openSpool: () => spool });
    await minutes(host, 3);
    const ballast = join(disk, "ballast");
    // All that is left: a write of less than there is may end short.
    try {
      writeFileSync(ballast, Buffer.alloc(256 * 1_024));
    } catch {
      // ENOSPC is what it is for: the disk is full now.
    }
    await minutes(host, 30);
    const spoolLogs = () => host.logs.filter((line) => line.startsWith("spool"));
    equal(spoolLogs().length, 1, spoolLogs().join("\n"));
    match(spoolLogs()[0] ?? "", /ENOSPC.*rows wait in memory/);
    rmSync(ballast);
    await minutes(host, 5);
    match(spoolLogs()[1] ?? "", /spool is well again/);
    isDown = false;
    await minutes(host, 200);
    await host.outbox.flush();
    deepEqual(new Set(sequencesOf(delivered)), new Set(host.made));
    equal(host.outbox.takeDroppedRowCount(), 0);
    spool.close();
  } finally {
    execFileSync("umount", [disk]);
  }
});
