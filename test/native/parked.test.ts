// Proves that chunks parked in tcache and fastbins are told apart from live ones, by programs that know how many there are.
// It leaves damaged lists to hostile.test.ts, and other versions of glibc to the foreign ones.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { endTargets, make, numberOf, programPath, startTarget } from "./target.ts";
import { assertAddsUp, makeWalker, walkOk } from "./walks.ts";

before(makeWalker);
after(endTargets);

// glibc gives each of up to 16 threads on two CPUs an arena of its own; shared arenas would share their fastbins.
const programs: [threads: string, blocks: string][] = [
  ["0", "5"],
  ["3", "30"],
  ["7", "60"],
];
for (const [threads, blocks] of programs) {
  test(`${blocks} freed blocks of each size in ${threads} threads and the first one are found where malloc parked them`, async () => {
    const target = await startTarget(programPath("test/parked"), [threads, blocks]);
    const fields = await walkOk(target.pid);
    assertAddsUp(fields);
    assert.equal(numberOf(fields, "tcache_chunk_count"), numberOf(target.truth, "tcache_chunks"));
    assert.equal(numberOf(fields, "tcache_bytes"), numberOf(target.truth, "tcache_bytes"));
    assert.equal(numberOf(fields, "fastbin_chunk_count"), numberOf(target.truth, "fastbins"));
    assert.equal(numberOf(fields, "fastbin_bytes"), numberOf(target.truth, "fastbin_bytes"));
    assert.ok(numberOf(fields, "fastbin_chunk_count") > 0 && numberOf(fields, "tcache_chunk_count") > 0, "the test needs some");
  });
}

test("a program without tcache has none, which is 0", async () => {
  const target = await startTarget(programPath("test/parked"), ["2", "10"], { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" });
  const fields = await walkOk(target.pid);
  assert.deepEqual([fields.get("tcache_bytes"), fields.get("tcache_chunk_count")], ["0", "0"]);
  assert.equal(numberOf(fields, "fastbin_bytes"), numberOf(target.truth, "fastbin_bytes"));
});

test("a static program's main arena is found in its own data", async () => {
  make("build/test/parked-static");
  const target = await startTarget(programPath("test/parked-static"), ["3", "30"]);
  const fields = await walkOk(target.pid);
  assertAddsUp(fields);
  assert.equal(numberOf(fields, "tcache_bytes"), numberOf(target.truth, "tcache_bytes"));
  assert.equal(numberOf(fields, "fastbin_bytes"), numberOf(target.truth, "fastbin_bytes"));
  assert.equal(numberOf(fields, "mmapped_bytes"), numberOf(target.truth, "mmapped"));
});

test("while threads malloc and free without pause, what is parked is never more than what is live", async () => {
  const target = await startTarget(programPath("test/churn"), ["2", "20000"]);
  let known = 0;
  for (let count = 0; count < 10; count++) {
    const fields = await walkOk(target.pid).catch(() => new Map<string, string>());
    if (!fields.has("tcache_bytes")) continue;
    known++;
    // Two threads and the first one, each with at most 7 chunks of each of 64 sizes.
    assert.ok(numberOf(fields, "tcache_chunk_count") <= 3 * 64 * 7);
    if (fields.has("fastbin_bytes")) assert.ok(numberOf(fields, "fastbin_bytes") < numberOf(fields, "live_bytes"));
  }
  assert.ok(known > 0, "no walk of 10 could tell");
});

test("caches and malloc's parameters are read in every form that glibc has given them, and in no other", () => {
  const { stdout, status } = spawnSync(programPath("test/parked_unit"), [], { encoding: "utf8" });
  assert.deepEqual([stdout, status], ["ok\n", 0]);
});
