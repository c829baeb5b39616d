// Proves that the walker keeps nothing of what it read, ends when it is held up, and leaves swapped pages in swap.
// It leaves what it measures to walker.test.ts, and targets that mean harm to hostile.test.ts.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { missing, skipReason } from "../support/need.ts";
import { endTargets, numberOf, parseFields, programPath, startTarget } from "./target.ts";
import { assertAddsUp, assertUnknown, cpuBudgetUs, isRoot, makeWalker, walker, walkOk } from "./walks.ts";

before(makeWalker);
after(endTargets);

const notRoot = !isRoot && skipReason("only root may look into the walker, or make a swap file");

/** How often the text occurs in the memory of a process. */
function countInMemory(pid: number, text: string): number {
  const wanted = Buffer.from(text);
  const file = openSync(`/proc/${pid}/mem`, "r");
  let count = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").trimEnd().split("\n")) {
    const [, start, end, rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (!rights?.startsWith("r") || line.includes("[vvar") || line.includes("[vsyscall]")) continue;
    // What nobody has touched holds nothing, and is too much to read.
    const bytes = Math.min(Number(BigInt(`0x${end}`) - BigInt(`0x${start}`)), 64 << 20);
    const buffer = Buffer.alloc(bytes);
    readSync(file, buffer, 0, bytes, BigInt(`0x${start}`) as unknown as number);
    for (let at = buffer.indexOf(wanted); at !== -1; at = buffer.indexOf(wanted, at + 1)) count++;
  }
  closeSync(file);
  return count;
}

test("a walker that serves on has wiped all that it read", { skip: notRoot }, async () => {
  const marker = `marker-${process.pid}-of-the-target`;
  const target = await startTarget(programPath("test/hostile"), ["marked", marker]);
  assert.ok(countInMemory(target.pid, marker) > 100_000, "the test needs a search that finds it");
  const child = spawn(walker, ["--serve"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // A walk that ends as it should, and one whose budget ends with a block at hand.
  for (const [budgetUs, said] of [
    [cpuBudgetUs, "ok"],
    [3_000, "budget"],
  ]) {
    child.stdin.write(`${target.pid} ${budgetUs}\n`);
    const fields = parseFields((await lines.next()).value ?? "");
    assert.equal(fields.get("reason") ?? fields.get("status"), said);
    assert.ok(numberOf(fields, "walked_bytes") > 0);
    assert.equal(countInMemory(child.pid ?? 0, marker), 0, `after ${said}`);
  }
  child.stdin.end();
  await once(child, "exit");
});

test("a walker that is held up far beyond its wall time is ended by its own alarm", async () => {
  const target = await startTarget(programPath("test/known"), ["300000", "same"]);
  const child = spawn(walker, ["--serve"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  child.stdin.write(`${target.pid} ${cpuBudgetUs} 5000\n`);
  // It pauses thousands of times in 660 MB; a walker that waits for a request, never. Stopping it stands for a lock.
  const pauses = () =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]);
  while (child.exitCode === null && pauses() < 100) await pause(1);
  child.kill("SIGSTOP");
  // The signal that stopped it may still be pending as well.
  const pending = () => /^ShdPnd:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? "0";
  const alarmIsPending = () => ((BigInt(`0x${pending()}`) >> BigInt(constants.signals.SIGALRM - 1)) & 1n) === 1n;
  while (!alarmIsPending()) await pause(50);
  child.kill("SIGCONT");
  assert.deepEqual(await ended, [null, "SIGALRM"]);
});

/** A swap file for the time of `use`, or the reason why there cannot be one. */
async function withSwap(use: () => Promise<void>): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-swap-"));
  const file = join(folder, "swap");
  try {
    for (const [command, ...args] of [
      ["fallocate", "-l", "64M", file],
      ["chmod", "600", file],
      ["mkswap", file],
      ["swapon", file],
    ] as [string, ...string[]][]) {
      const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
      if (status !== 0) return `${command}: ${stderr.trim()}`;
    }
    await use();
    return null;
  } finally {
    spawnSync("swapoff", [file]);
    rmSync(folder, { recursive: true, force: true });
  }
}

const noSwap = missing("swapon", "mkswap", "fallocate") || notRoot;
test("a heap that is in swap is unknown, stays there, and is measured again when it is back", {
  skip: noSwap,
}, async (context) => {
  const target = await startTarget(programPath("test/swapped"), ["20"]);
  const swappedKib = () => Number(/^VmSwap:\s+(\d+) kB/m.exec(readFileSync(`/proc/${target.pid}/status`, "utf8"))?.[1]);
  const refused = await withSwap(async () => {
    assert.equal(numberOf(await target.ask("out"), "refused"), 0);
    const before = swappedKib();
    assert.ok(before > 10 << 10, `the test needs pages in swap, not ${before} KiB`);
    for (let count = 0; count < 5; count++) await assertUnknown(target.pid, "swapped");
    assert.ok(swappedKib() >= before, "walking must not bring pages back");
    assert.equal(numberOf(await target.ask("in"), "refused"), 0);
    assertAddsUp(await walkOk(target.pid));
  });
  // A kernel may refuse a swap file to a container that is root all the same: this alone is skipped in CI as well.
  if (refused !== null) context.skip(`no swap file here: ${refused}`);
});
