// Proves what becomes of a request in the ring file: memory given back, or a refusal that says why.
// It leaves who makes requests to the collector's tests.
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { REQUEST_OFFSET, type ReliefAnswer } from "../../collector/heap/ring.ts";
import {
  freshRecord,
  jemalloc,
  mimalloc,
  missingLibrary,
  type Peer,
  removeRingFolders,
  ringNames,
  ringOf,
  ringSeen,
  startPeer,
  tcmalloc,
  until,
} from "./shim-ring.ts";
import { endTargets, make } from "./target.ts";

const RELIEF = 1;
const NOT_BEFORE_LONG_MS = 60_000;
const allowed = { TIDEMARK_RELIEF: "1" };

before(() => make("all", "test-programs"));
after(() => {
  endTargets();
  removeRingFolders();
});

interface Request {
  readonly action?: number;
  readonly notAfterMs?: number;
}

/** Writes the request into the file as struct tidemark_request has it, the bell last, and waits for its answer. */
async function request(
  { folder, pid }: Peer,
  number: number,
  { action = RELIEF, notAfterMs }: Request = {},
): Promise<ReliefAnswer> {
  await ringSeen(folder, pid);
  const words = Buffer.alloc(32);
  words.writeUInt32LE(action, 8);
  words.writeBigUInt64LE(123_456n, 16);
  words.writeBigUInt64LE(BigInt(notAfterMs ?? Date.now() + NOT_BEFORE_LONG_MS), 24);
  const file = openSync(join(folder, ringNames(folder, pid).at(-1) ?? ""), "r+");
  writeSync(file, words, 8, 24, REQUEST_OFFSET + 8);
  words.writeBigUInt64LE(BigInt(number), 0);
  writeSync(file, words, 0, 8, REQUEST_OFFSET);
  closeSync(file);
  return until(`the answer to request ${number}`, () => {
    const answer = ringOf(folder, pid)?.answer;
    return answer?.request_number === number ? answer : null;
  });
}

const residentBytes = (pid: number): number => Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;

const loads = [
  { name: "glibc", allocator: null, env: { GLIBC_TUNABLES: "glibc.malloc.arena_max=3" } },
  { name: "jemalloc", allocator: jemalloc, env: { MALLOC_CONF: "dirty_decay_ms:-1,muzzy_decay_ms:-1" } },
  { name: "tcmalloc", allocator: tcmalloc, env: { TCMALLOC_RELEASE_RATE: "0" } },
];

for (const { name, allocator, env } of loads) {
  test(`${name}: gives back what is free, and says how much and what it cost`, {
    skip: allocator !== null && missingLibrary(allocator),
  }, async () => {
    const it = await startPeer(allocator, { ...allowed, ...env });
    // One block in 5,000 stays, so that nothing is given back at the top of the heap by itself.
    await it.ask("grow 50000 2000");
    await it.ask("thin 5000");
    const before = residentBytes(it.pid);
    const answer = await request(it, 1);
    assert.equal(answer.outcome, "done");
    assert.equal(answer.bytes_asked, 123_456);
    const { resident_bytes_before, resident_bytes_after, bytes_returned } = answer;
    assert.equal(bytes_returned, (resident_bytes_before ?? 0) - (resident_bytes_after ?? 0));
    assert.ok((bytes_returned ?? 0) > 60_000_000, `${bytes_returned} of some 100 MB came back`);
    assert.ok(Math.abs(before - residentBytes(it.pid) - (bytes_returned ?? 0)) < 4_000_000, "the kernel says the same");
    assert.ok((answer.duration_us ?? 0) > 0 && (answer.cpu_us ?? 0) <= (answer.duration_us ?? 0) * 1.1 + 1_000);
    assert.ok(Math.abs((answer.answered_ms ?? 0) - Date.now()) < NOT_BEFORE_LONG_MS);
  });
}

test("mimalloc: gives back what threads left that have ended; another thread's heap is out of reach", {
  skip: missingLibrary(mimalloc),
}, async () => {
  const it = await startPeer(mimalloc, {
    ...allowed,
    MIMALLOC_ABANDONED_PAGE_DECOMMIT: "0",
    MIMALLOC_DECOMMIT_DELAY: "100000",
  });
  await it.ask("worker");
  const answer = await request(it, 1);
  assert.equal(answer.outcome, "done");
  assert.ok((answer.bytes_returned ?? 0) > 10_000_000, `${answer.bytes_returned} came back`);
});

test("glibc with TIDEMARK_RELIEF=1 has a ring without records: the walker measures it", async () => {
  const it = await startPeer(null, { ...allowed, GLIBC_TUNABLES: "glibc.malloc.arena_max=3", MALLOC_TOP_PAD_: "65536" });
  await request(it, 1, { action: 99 });
  const { header, records } = await ringSeen(it.folder, it.pid);
  assert.deepEqual([header.allocator, header.reliefIsAllowed, records.length], ["glibc", true, 0]);
  // An arena of the shim's thread would be 64 MiB of address space: HEAP_MAX_SIZE, malloc/arena.c.
  const virtualBytes = Number(readFileSync(`/proc/${it.pid}/statm`, "utf8").split(" ")[0]) * 4096;
  assert.ok(virtualBytes < 64 << 20, `${virtualBytes} bytes of address space`);
  assert.match(header.allocator_version ?? "", /^2\.\d+$/);
  assert.match(header.tunables ?? "", /^(GLIBC_TUNABLES=glibc\.malloc\.arena_max=3 ?|MALLOC_TOP_PAD_=65536 ?){2}$/);
});

test("without TIDEMARK_RELIEF=1 every request is refused", { skip: missingLibrary(jemalloc) }, async () => {
  for (const env of [{}, { TIDEMARK_RELIEF: "0" }, { TIDEMARK_RELIEF: "yes" }]) {
    const it = await startPeer(jemalloc, env as Record<string, string>);
    assert.equal((await request(it, 1)).outcome, "not_allowed");
    assert.equal(ringOf(it.folder, it.pid)?.header.reliefIsAllowed, false);
  }
});

test("a second relief too soon is refused, whatever its number", { skip: missingLibrary(jemalloc) }, async () => {
  const it = await startPeer(jemalloc, { ...allowed, TIDEMARK_RELIEF_INTERVAL_S: "10" });
  assert.equal((await request(it, 7)).outcome, "done");
  assert.equal((await request(it, 8)).outcome, "rate_limited");
});

test("a busy process is left alone until its time is over, and then told that it never was quiet", {
  skip: missingLibrary(jemalloc),
}, async () => {
  const it = await startPeer(jemalloc, { ...allowed, MALLOC_CONF: "dirty_decay_ms:-1" });
  await it.ask("grow 20000 2000");
  await it.ask("thin 5000");
  await it.ask("spin");
  const notAfterMs = Date.now() + 2_500;
  const answer = await request(it, 1, { notAfterMs });
  assert.equal(answer.outcome, "never_quiet");
  assert.ok((answer.answered_ms ?? 0) >= notAfterMs);
  assert.equal(answer.bytes_returned === 0 || answer.bytes_returned === null, true);
  await freshRecord(it.folder, it.pid);
});

test("an action that does not exist is answered as one", { skip: missingLibrary(jemalloc) }, async () => {
  const it = await startPeer(jemalloc, allowed);
  assert.equal((await request(it, 1, { action: 99 })).outcome, "unsupported");
});

test("a forked child has requests of its own", { skip: missingLibrary(jemalloc) }, async () => {
  const it = await startPeer(jemalloc, { ...allowed, TIDEMARK_RELIEF_INTERVAL_S: "300" });
  assert.equal((await request(it, 1)).outcome, "done");
  const child = Number((await it.ask("fork")).get("pid"));
  assert.equal((await request({ ...it, pid: child }, 1)).outcome, "done");
});
