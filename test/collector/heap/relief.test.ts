// The request for relief, as bytes in the ring file, and what is made of the answer. The real shim answers in shim.test.ts.
import { deepEqual, equal } from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { askForRelief } from "../../../collector/heap/relief.ts";
import { type MappedRing, parseMaps } from "../../../collector/proc/maps.ts";
import { type Holder, type RingValues, ringBytes, STARTED_NS, startHolder } from "../../support/ring-bytes.ts";

const holders: Holder[] = [];
after(async () => {
  for (const holder of holders) await holder.stop();
});

async function asked(values: RingValues, answer?: (bytes: Buffer) => { readonly lock: number; readonly outcome: number }) {
  const holder = startHolder();
  holders.push(holder);
  const path = join(mkdtempSync(join(tmpdir(), "tidemark-")), `${holder.pid}-${STARTED_NS.toString(16)}.ring`);
  const values_ = { pid: holder.pid, reliefAllowed: 1, ...values };
  writeFileSync(path, ringBytes(values_), { mode: 0o600 });
  await holder.map(path, 20_480);
  const maps = parseMaps(readFileSync(`/proc/${holder.pid}/maps`, "latin1"), "maps");
  const file = (maps.ok ? maps.value.rings[0] : undefined) as MappedRing;
  let nowMs = 5_000_000;
  let request: Buffer | null = null;
  const result = await askForRelief({ pid: holder.pid, ownPid: holder.pid, uids: [process.getuid?.() ?? 0] }, file, {
    bytesAsked: 123_456_789,
    timeoutMs: 60_000,
    // Time passes with every look at the clock; at the second the process has heard the bell.
    nowMs: () => {
      nowMs += 10_000;
      const bytes = readFileSync(path);
      if (request === null && bytes.readBigUInt64LE(2_048) !== (values.request?.number ?? 0n)) {
        request = bytes.subarray(2_048, 2_080);
        if (answer) write(path, answer(request), bytes.readBigUInt64LE(2_048));
      }
      return nowMs;
    },
  });
  return { result, request: request as Buffer | null };
}

function write(path: string, { lock, outcome }: { readonly lock: number; readonly outcome: number }, number: bigint): void {
  const bytes = ringBytes({ answer: { lock, outcome, words: [number, 123_456_789n, 900n, 400n, 500n, 70n, 60n, 5_020_000n] } });
  const file = openSync(path, "r+");
  writeSync(file, bytes, 2_304, 72, 2_304);
  closeSync(file);
}

test("the request has the next number, what is expected, and until when; the answer of that number is taken", async () => {
  const { result, request } = await asked({ request: { number: 4n, notAfterMs: 1n } }, () => ({ lock: 2, outcome: 1 }));
  equal(request?.readBigUInt64LE(0), 5n);
  deepEqual([request?.readUInt32LE(8), request?.readBigUInt64LE(16)], [1, 123_456_789n]);
  // The clock's second reading and the minute that was given.
  equal(request?.readBigUInt64LE(24), 5_020_000n + 60_000n);
  equal(result.ok && result.value.outcome, "done");
  equal(result.ok && result.value.bytes_returned, 500);
});

test("a process that does not allow it is not asked", async () => {
  const { result, request } = await asked({ reliefAllowed: 0 });
  deepEqual([result, request], [{ ok: false, error: { kind: "not_allowed" } }, null]);
});

test("while another request waits none is made; one whose time has long passed does not count", async () => {
  const waiting = await asked({ request: { number: 1n, notAfterMs: 6_000_000n } });
  deepEqual([waiting.result, waiting.request], [{ ok: false, error: { kind: "pending" } }, null]);
  const forgotten = await asked({ request: { number: 1n, notAfterMs: 5_000_000n } }, () => ({ lock: 2, outcome: 4 }));
  equal(forgotten.result.ok && forgotten.result.value.outcome, "never_quiet");
});

test("without an answer, or with one that is never whole, the end of the time is the end of waiting", async () => {
  for (const answer of [undefined, () => ({ lock: 3, outcome: 1 })]) {
    const { result } = await asked({}, answer);
    deepEqual(result, { ok: false, error: { kind: "no_answer" } });
  }
});
