// Proves what tidemark-walk says about real processes against glibc's own figures and against what really happens.
// It leaves the chunk walk on damaged memory to chunks_unit.c, and speed to test/bench.
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { endTargets, type Fields, make, numberOf, parseFields, programPath, startTarget } from "./target.ts";

const walker = programPath("tidemark-walk");
const walkerAsan = programPath("tidemark-walk-asan");
const run = promisify(execFile);
/** The heaps here are dense, so the default budget would not do under the sanitizer. */
const cpuBudgetUs = 20_000_000;
const noTcache = { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" };

before(() => make("build/tidemark-walk", "build/tidemark-walk-asan", "test-programs"));
after(endTargets);

interface Walk {
  readonly code: number;
  readonly fields: Fields;
}

async function walk(pid: number, options: { path?: string; budgetUs?: number; uid?: number } = {}): Promise<Walk> {
  const args = ["--cpu-budget-us", String(options.budgetUs ?? cpuBudgetUs), String(pid)];
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const child = spawn(options.path ?? walker, args, { stdio: ["ignore", "pipe", "pipe"], ...identity });
  let line = "";
  let complaints = "";
  child.stdout.on("data", (data: Buffer) => (line += data));
  child.stderr.on("data", (data: Buffer) => (complaints += data));
  const [code] = await once(child, "close");
  assert.equal(complaints, "");
  return { code, fields: parseFields(line.trimEnd()) };
}

async function walkOk(pid: number, options: { path?: string } = {}): Promise<Fields> {
  const { code, fields } = await walk(pid, options);
  assert.equal(fields.get("status"), "ok", `reason=${fields.get("reason")}`);
  assert.equal(code, 0);
  return fields;
}

async function assertUnknown(pid: number, reason: string, options: { budgetUs?: number; uid?: number } = {}): Promise<Fields> {
  const { code, fields } = await walk(pid, options);
  assert.deepEqual([fields.get("status"), fields.get("reason"), code], ["unknown", reason, 1]);
  assert.equal(fields.has("heap_bytes"), false, "unknown must not carry figures");
  return fields;
}

function assertClose(actual: number, expected: number, ratio: number, what: string): void {
  const off = Math.abs(actual - expected) / Math.max(expected, 1);
  assert.ok(off <= ratio, `${what} is ${actual}, expected ${expected} within ${ratio * 100} %`);
}

const listOf = (fields: Fields, name: string): number[] => {
  const text = fields.get(name) ?? "";
  return text === "-" ? [] : text.split(",").map(Number);
};
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Every byte of the heaps is live, free or bookkeeping, and the list by size holds every free byte but the tops. */
function assertAddsUp(fields: Fields): void {
  const arenaLive = numberOf(fields, "live_bytes") - numberOf(fields, "mmapped_bytes");
  const free = numberOf(fields, "free_bytes");
  const heap = numberOf(fields, "heap_bytes");
  assert.equal(arenaLive + free + numberOf(fields, "metadata_bytes"), heap, JSON.stringify([...fields]));
  assert.equal(sum(listOf(fields, "free_bytes_by_size")), free - numberOf(fields, "top_bytes"));
  assert.ok(sum(listOf(fields, "pinned_bytes_by_size")) <= free);
  assert.ok(numberOf(fields, "heap_resident_bytes") <= heap);
  assert.ok(numberOf(fields, "reclaimable_bytes") <= numberOf(fields, "whole_free_page_bytes"));
  assert.ok(numberOf(fields, "whole_free_page_bytes") <= free);
  assert.ok(numberOf(fields, "reclaimable_bytes") <= numberOf(fields, "free_resident_bytes"));
  assert.ok(numberOf(fields, "free_resident_bytes") <= free);
  assert.ok(numberOf(fields, "free_resident_bytes") <= numberOf(fields, "heap_resident_bytes"));
  assert.ok(numberOf(fields, "arena_bytes_max") <= heap);
  assert.ok(numberOf(fields, "arena_bytes_max") * numberOf(fields, "arena_count") >= heap);
  assert.equal(numberOf(fields, "walked_bytes"), heap);
}

/** glibc counts arena headers as used, mmapped chunks apart, and fastbins as free; these heaps have none in fastbins. */
function assertAgrees(fields: Fields, truth: Fields): void {
  assertAddsUp(fields);
  const used = numberOf(fields, "live_bytes") - numberOf(fields, "mmapped_bytes") + numberOf(fields, "metadata_bytes");
  assertClose(used, numberOf(truth, "used"), 0.001, "used");
  assertClose(numberOf(fields, "free_bytes"), numberOf(truth, "free"), 0.001, "free");
  assertClose(numberOf(fields, "free_chunk_count"), numberOf(truth, "free_chunks"), 0.001, "free chunks");
  assertClose(numberOf(fields, "heap_bytes"), numberOf(truth, "arena"), 0.001, "heap");
  assert.equal(numberOf(fields, "mmapped_bytes"), numberOf(truth, "mmapped"));
  assert.equal(numberOf(fields, "mmapped_count"), numberOf(truth, "mmapped_count"));
}

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

test("a process that has ended is gone", async () => {
  const target = await startTarget(programPath("test/known"), ["100", "same"]);
  target.tell("exit");
  await target.ended;
  await assertUnknown(target.pid, "gone");
});

for (const event of ["exit", "exec"]) {
  test(`a process that calls ${event} while it is walked is gone`, async () => {
    const target = await startTarget(programPath("test/known"), ["300000", "same"]);
    const walking = walk(target.pid);
    setTimeout(() => target.tell(event), 60); // The walk of 660 MB takes at least 0.2 s.
    const { fields } = await walking;
    assert.deepEqual([fields.get("status"), fields.get("reason")], ["unknown", "gone"]);
  });
}

test("a heap that is not glibc's is refused: layout", async () => {
  const target = await startTarget(programPath("test/odd"), ["garbage"]);
  await assertUnknown(target.pid, "layout");
});

test("a main arena in several pieces is refused rather than half counted", async () => {
  const target = await startTarget(programPath("test/odd"), ["foreign_brk"]);
  await assertUnknown(target.pid, "layout");
});

test("a walk that would cost more than its budget stops, and says how far it came", async () => {
  const target = await startTarget(programPath("test/known"), ["100000", "same"]);
  const fields = await assertUnknown(target.pid, "budget", { budgetUs: 5000 });
  assert.ok(numberOf(fields, "walked_bytes") < numberOf(target.truth, "arena"));
  assert.ok(numberOf(fields, "vma_count") > 0);
  assert.ok(numberOf(fields, "walk_cpu_us") < 100_000);
});

test("a walk that would take longer than its wall time stops, however little CPU it has used", async () => {
  const target = await startTarget(programPath("test/known"), ["100000", "same"]);
  const input = `${target.pid} ${cpuBudgetUs} 5\n${target.pid} ${cpuBudgetUs} 60000\n`;
  const { stdout } = spawnSync(walker, ["--serve"], { input, encoding: "utf8" });
  const [hurried, unhurried] = stdout.trimEnd().split("\n").map(parseFields);
  if (hurried === undefined || unhurried === undefined) throw new Error(`answers: ${stdout}`);
  assert.deepEqual([hurried.get("reason"), unhurried.get("status")], ["budget", "ok"]);
  assert.ok(numberOf(unhurried, "walk_us") > 5_000, "the test needs a walk that takes longer");
  assert.ok(numberOf(hurried, "walk_cpu_us") < 100_000);
});

test("another user's process is denied", { skip: process.getuid?.() !== 0 }, async () => {
  await assertUnknown(process.pid, "denied", { uid: 65534 });
});

test("a thread of the kernel has no heap", { skip: process.getuid?.() !== 0 }, async () => {
  const { stdout } = await run("ps", ["-eo", "pid,ppid"]);
  const kernelThread = stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, parent]) => parent === "2");
  if (kernelThread === undefined) return; // Containers do not show them.
  await assertUnknown(Number(kernelThread[0]), "no_heap");
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

test("serve answers every line in order, the bad ones as well", async () => {
  const target = await startTarget(programPath("test/odd"), ["filled"]);
  const pid = String(target.pid);
  const requests = [
    `${pid} 500000`,
    "nonsense",
    `${pid}`,
    "0 500000",
    `${pid} 0`,
    "-1 5",
    `${pid} 500000 `,
    `${pid} 500000 0`,
    `${pid} 500000 5000 1`,
    "9".repeat(10_000),
    "",
  ];
  const input = [...requests, "2147483647 500000", `${pid} 1`, `${pid} 500000`].map((line) => `${line}\n`).join("");
  const { stdout, status } = spawnSync(walker, ["--serve"], { input, encoding: "utf8" });
  const answers = stdout.trimEnd().split("\n").map(parseFields);
  const words = answers.map((fields) => `${fields.get("pid")} ${fields.get("reason") ?? fields.get("status")}`);
  const bad = "0 bad_request";
  assert.deepEqual(words, [`${pid} ok`, ...Array(10).fill(bad), "2147483647 gone", `${pid} budget`, `${pid} ok`]);
  assert.equal(status, 0);
});

test("serve ends quietly when nobody reads its answers", async () => {
  const child = spawn(walker, ["--serve"], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  child.stdout.destroy();
  const writing = setInterval(() => child.stdin.write(`${process.pid} 500000\n`), 10);
  const [code, signal] = await once(child, "exit");
  clearInterval(writing);
  assert.deepEqual([code, signal], [0, null]);
});

test("usage errors are told apart from unknown heaps", () => {
  for (const args of [[], ["0"], ["12x"], ["--serve", "1"], ["--cpu-budget-us", "1"], ["--cpu-budget-us", "x", "1"]]) {
    assert.equal(spawnSync(walker, args).status, 2, args.join(" "));
  }
  assert.equal(spawnSync(walker, ["--help"]).status, 0);
  assert.match(spawnSync(walker, ["--version"], { encoding: "utf8" }).stdout, /^tidemark-walk \d+\.\d+\.\d+\n$/);
});

test("random and damaged heaps in a buffer are accounted for as a byte-by-byte model says, at every page size", () => {
  const { stdout, stderr, status } = spawnSync(programPath("test/chunks_unit"), [], { encoding: "utf8" });
  assert.deepEqual([stdout, stderr, status], ["ok\n", "", 0]);
});

test("the address sanitizer finds nothing in the walks of all these programs", async () => {
  const programs: [string, string[]][] = [
    ["known", ["10000", "mixed"]],
    ["threads", ["8", "1", "2", "70"]],
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
