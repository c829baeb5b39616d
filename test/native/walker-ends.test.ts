// Proves that a walk which cannot give figures ends in a reason: processes that end, foreign heaps, limits, rights.
// It leaves targets that mean harm to hostile.test.ts, and figures to walker.test.ts.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { endTargets, numberOf, parseFields, programPath, startTarget } from "./target.ts";
import { assertUnknown, cpuBudgetUs, isRoot, makeWalker, walk, walker } from "./walks.ts";

const run = promisify(execFile);

before(makeWalker);
after(endTargets);

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

for (const kind of ["foreign_brk", "blocked_brk"]) {
  test(`a main arena in several pieces is refused rather than half counted (${kind})`, async () => {
    const target = await startTarget(programPath("test/odd"), [kind]);
    await assertUnknown(target.pid, "layout");
  });
}

test("a walk that would cost more than its budget stops, and says how far it came", async () => {
  const target = await startTarget(programPath("test/known"), ["100000", "same"]);
  const fields = await assertUnknown(target.pid, "budget", { budgetUs: 5000 });
  assert.ok(numberOf(fields, "walked_bytes") < numberOf(target.truth, "arena"));
  assert.equal(numberOf(fields, "heap_bytes_expected"), numberOf(target.truth, "arena"), "so far of how much");
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

test("another user's process is denied", { skip: !isRoot && "needs root" }, async () => {
  await assertUnknown(process.pid, "denied", { uid: 65534 });
});

test("a thread of the kernel has no heap", { skip: !isRoot && "needs root" }, async () => {
  const { stdout } = await run("ps", ["-eo", "pid,ppid"]);
  const kernelThread = stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, parent]) => parent === "2");
  if (kernelThread === undefined) return; // Containers do not show them.
  await assertUnknown(Number(kernelThread[0]), "no_heap");
});
