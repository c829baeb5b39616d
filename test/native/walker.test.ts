// Proves what tidemark-walk says about real processes against glibc's own figures and against what really happens.
// It leaves walks that end without figures to walker-ends.test.ts, and the chunk walk on damaged memory to chunks_unit.c.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { endTargets, type Fields, numberOf, programPath, startTarget } from "./target.ts";
import { assertAddsUp, assertAgrees, assertClose, listOf, makeWalker, sum, walk, walkerAsan, walkOk } from "./walks.ts";

const noTcache = { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" };

before(makeWalker);
after(endTargets);

const knownHeaps: [chunks: number, shape: string, env: Record<string, string>][] = [
  [10_000, "same", {}],
  [10_000, "mixed", {}],
  [100_000, "same", {}],
  [100_000, "mixed", {}],
  [1_000_000, "small", noTcache],
];
for (const [chunks, shape, env] of knownHeaps) {
  test(`a heap of ${chunks} free chunks (${shape}) is measured as glibc itself counts it`, async () => {
    const target = await startTarget(programPath("test/known"), [String(chunks), shape], env);
    const fields = await walkOk(target.pid);
    assertAgrees(fields, target.truth);
    assert.equal(numberOf(fields, "free_chunk_bytes_max"), numberOf(target.truth, "largest"));
    assert.equal(numberOf(fields, "arena_count"), 1);
    assert.equal(numberOf(fields, "non_main_arena_bytes"), 0);
    assert.equal(numberOf(fields, "arena_bytes_max"), numberOf(fields, "heap_bytes"));
    target.tell("exit");
  });
}

test("the live chunks that pin half-free pages are named by their size", async () => {
  const target = await startTarget(programPath("test/known"), ["10000", "same"]);
  const pinned = listOf(await walkOk(target.pid), "pinned_bytes_by_size");
  assert.ok((pinned[6] ?? 0) > 0.99 * sum(pinned), "chunks of 1120 bytes are in bin 6");
  assert.ok(sum(pinned) > 0);
  target.tell("exit");
});

const trimmedHeaps: [program: string, args: string[]][] = [
  ["known", ["30000", "mixed"]],
  ["known", ["5000", "pages"]],
  ["threads", ["8", "2", "4", "100"]],
];
for (const [program, args] of trimmedHeaps) {
  test(`reclaimable_bytes foretells what malloc_trim gives back (${program} ${args.join(" ")})`, async () => {
    const target = await startTarget(programPath(`test/${program}`), args);
    const foretold = numberOf(await walkOk(target.pid), "reclaimable_bytes");
    const fell = numberOf(await target.ask("trim"), "fell");
    assert.ok(foretold > 10 << 20, "the test needs something to reclaim");
    assertClose(foretold, fell, 0.02, "reclaimable");
    const trimmed = await walkOk(target.pid);
    assert.ok(numberOf(trimmed, "whole_free_page_bytes") > 0.9 * foretold, "the pages are still free address space");
    assert.ok(numberOf(trimmed, "reclaimable_bytes") < 0.01 * foretold, "but nothing is left to give back");
    target.tell("exit");
  });
}

test("free_resident_bytes is what freed memory still occupies: all of it before a trim, next to nothing after", async () => {
  const target = await startTarget(programPath("test/known"), ["5000", "pages"]);
  await target.ask("clear");
  const freed = await walkOk(target.pid);
  assertAddsUp(freed);
  const free = numberOf(freed, "free_bytes");
  assert.ok(free > 100 << 20, "the test needs something free");
  // The end of the top is the only free memory that the program has never written to.
  assertClose(numberOf(freed, "free_resident_bytes"), free, 0.01, "resident before the trim");
  const fell = numberOf(await target.ask("trim"), "fell");
  const trimmed = await walkOk(target.pid);
  assertAddsUp(trimmed);
  assert.ok(numberOf(trimmed, "free_bytes") > 0.95 * free, "the address space is still free");
  assert.ok(numberOf(trimmed, "free_resident_bytes") < 0.001 * free, "but hardly a page of it is there");
  assertClose(numberOf(freed, "free_resident_bytes") - numberOf(trimmed, "free_resident_bytes"), fell, 0.001, "difference");
  target.tell("exit");
});

test("thread arenas are found, also where one spans several heaps of 64 MiB", async () => {
  const target = await startTarget(programPath("test/threads"), ["8", "2", "5", "150"]);
  const fields = await walkOk(target.pid);
  assertAgrees(fields, target.truth);
  assert.equal(numberOf(fields, "arena_count"), 9);
  assert.equal(numberOf(fields, "arena_count_over_1mib"), 8);
  assert.ok(numberOf(fields, "non_main_arena_bytes") > 300 << 20);
  const largest = numberOf(fields, "arena_bytes_max");
  assert.ok(largest > 150 << 20 && largest < 200 << 20, `one arena holds 150 MiB, not ${largest}: its three heaps are one`);
  assert.ok(numberOf(fields, "non_main_free_bytes") > 0.95 * numberOf(target.truth, "free"));
  assert.ok(numberOf(fields, "free_chunk_bytes_max") >= numberOf(target.truth, "largest"));
});

test("a heap that is split into several mappings is still one heap", async () => {
  for (const kind of ["filled", "split", "forked"]) {
    const target = await startTarget(programPath("test/odd"), [kind]);
    assertAgrees(await walkOk(target.pid), target.truth);
  }
});

test("another allocator's memory where an arena could lie, beginning with a pointer into itself, changes no figure", async () => {
  const target = await startTarget(programPath("test/odd"), ["zend"]);
  assertAgrees(await walkOk(target.pid), target.truth);
});

test("a target that mallocs and frees without pause never yields nonsense", async () => {
  const target = await startTarget(programPath("test/churn"), ["2", "20000"]);
  const oks: Fields[] = [];
  for (let count = 0; count < 50; count++) {
    const { fields } = await walk(target.pid);
    if (fields.get("status") === "ok") oks.push(fields);
    else assert.equal(fields.get("reason"), "changed");
  }
  const truth = await target.ask("stop");
  assert.ok(oks.length >= 25, `only ${oks.length} of 50 walks gave figures`);
  for (const fields of oks) {
    assertAddsUp(fields);
    const arenaLive = numberOf(fields, "live_bytes") - numberOf(fields, "mmapped_bytes");
    assertClose(arenaLive, numberOf(truth, "used"), 0.2, "live while changing");
    assertClose(numberOf(fields, "heap_bytes"), numberOf(truth, "arena"), 0.2, "heap while changing");
    assertClose(numberOf(fields, "free_chunk_count"), numberOf(truth, "free_chunks"), 0.3, "free chunks while changing");
  }
  assertAgrees(await walkOk(target.pid), truth);
});

test("the figures of the arenas add up to those of the process, and say no address", async () => {
  const target = await startTarget(programPath("test/threads"), ["8", "2", "5", "150"]);
  const { fields, arenas } = await walk(target.pid, { arenas: true });
  assert.equal(fields.get("status"), "ok");
  assert.deepEqual(
    arenas.map((arena) => numberOf(arena, "arena_index")),
    Array.from({ length: numberOf(fields, "arena_count") }, (_, index) => index),
  );
  const total = (name: string): number => sum(arenas.map((arena) => numberOf(arena, name)));
  for (const name of [
    "heap_bytes",
    "free_bytes",
    "free_chunk_count",
    "top_bytes",
    "metadata_bytes",
    "whole_free_page_bytes",
    "reclaimable_bytes",
  ]) {
    assert.equal(total(name), numberOf(fields, name), name);
  }
  assert.equal(total("live_bytes") + numberOf(fields, "mmapped_bytes"), numberOf(fields, "live_bytes"));
  const largest = (name: string): number => Math.max(...arenas.map((arena) => numberOf(arena, name)));
  assert.equal(largest("free_chunk_bytes_max"), numberOf(fields, "free_chunk_bytes_max"));
  assert.equal(largest("heap_bytes"), numberOf(fields, "arena_bytes_max"));
  // The first two threads began first and hold 150 MiB each: three heaps of 64 MiB.
  assert.deepEqual(
    arenas.map((arena) => numberOf(arena, "heap_count")).sort((left, right) => right - left),
    [3, 3, 1, 1, 1, 1, 1, 1, 1],
  );
  for (const arena of arenas) {
    const parts = numberOf(arena, "live_bytes") + numberOf(arena, "free_bytes") + numberOf(arena, "metadata_bytes");
    assert.equal(parts, numberOf(arena, "heap_bytes"));
  }
  const words = [...fields, ...arenas.flatMap((arena) => [...arena])];
  assert.deepEqual(
    words.filter(([, value]) => value.split(",").some((number) => Number(number) > 2 ** 40 || number.includes("0x"))),
    [],
    "an address would defeat the target's address randomisation",
  );
});

const runtimes: [name: string, path: string, args: string[]][] = [
  ["node", process.execPath, ["-e", "console.log('ready=1'); setInterval(() => {}, 1000)"]],
  [
    "python",
    "python3",
    ["-c", "import sys; x = [str(i) * 9 for i in range(200000)]; print('ready=1', flush=True); sys.stdin.read()"],
  ],
];
for (const [name, path, args] of runtimes) {
  const missing = spawnSync(path, ["--version"]).error !== undefined;
  test(`${name} is measured as it is`, { skip: missing }, async () => {
    const target = await startTarget(path, args);
    assertAddsUp(await walkOk(target.pid));
  });
}

test("random and damaged heaps in a buffer are accounted for as a byte-by-byte model says, at every page size", () => {
  const { stdout, stderr, status } = spawnSync(programPath("test/chunks_unit"), [], { encoding: "utf8" });
  assert.deepEqual([stdout, stderr, status], ["ok\n", "", 0]);
});

test("the address sanitizer finds nothing in the walks of all these programs", async () => {
  const programs: [string, string[]][] = [
    ["known", ["10000", "mixed"]],
    ["threads", ["8", "1", "2", "70"]],
    ["parked", ["4", "30"]],
    ["churn", ["2", "2000"]],
    ["odd", ["garbage"]],
    ["odd", ["foreign_brk"]],
    ["odd", ["split"]],
  ];
  for (const [program, args] of programs) {
    const target = await startTarget(programPath(`test/${program}`), args);
    const { fields } = await walk(target.pid, { path: walkerAsan });
    assert.equal(fields.get("pid"), String(target.pid));
  }
});
