// The walker process under the collector's hand: real answers, and what happens when it misbehaves.
import { deepEqual, equal } from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startWalker } from "../../../collector/heap/walker.ts";
import { walkerPath } from "../../support/native.ts";

const BUDGET_US = 500_000;

function scriptedWalker(script: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "tidemark-")), "walker");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("the real walker answers for this very process, again and again, in order", async () => {
  const walker = startWalker(walkerPath());
  const walks = await Promise.all([process.pid, 4_194_304, process.pid].map((pid) => walker.walk(pid, BUDGET_US)));
  walker.close();
  deepEqual(
    walks.map((walk) => [walk.pid, walk.kind, walk.kind === "unknown" ? walk.reason : ""]),
    [
      [process.pid, "figures", ""],
      [4_194_304, "unknown", "gone"],
      [process.pid, "figures", ""],
    ],
  );
});

test("a walker that dies is an unknown heap, and the next request starts another", async () => {
  const walker = startWalker(scriptedWalker("read line; exit 1"));
  const first = await walker.walk(7, BUDGET_US);
  const second = await walker.walk(8, BUDGET_US);
  walker.close();
  for (const [walk, pid] of [[first, 7] as const, [second, 8] as const]) {
    // It may have died of this very heap, so the walk is charged and not repeated at once.
    deepEqual(walk, { kind: "unknown", reason: "walker_failed", pid, walk_cpu_us: BUDGET_US, vma_count: null });
  }
});

test("a walker that fails in a row is started ever more seldom, and again when the pause is over", async () => {
  const log = join(mkdtempSync(join(tmpdir(), "tidemark-")), "starts");
  let nowMs = 0;
  const walker = startWalker(scriptedWalker(`echo started >>${log}; read line; exit 1`), { nowMs: () => nowMs });
  const startCount = () => readFileSync(log, "utf8").trim().split("\n").length;
  for (let i = 0; i < 10; i++) await walker.walk(7, BUDGET_US);
  equal(startCount(), 2);
  nowMs = 1_000;
  for (let i = 0; i < 10; i++) await walker.walk(7, BUDGET_US);
  equal(startCount(), 3);
  nowMs = 2_900;
  await walker.walk(7, BUDGET_US);
  equal(startCount(), 3, "the second pause is twice as long");
  nowMs = 3_000;
  await walker.walk(7, BUDGET_US);
  walker.close();
  equal(startCount(), 4);
});

test("a walker that is not there is an unknown heap, not an exception", async () => {
  const walker = startWalker("/nonexistent/tidemark-walk");
  const walk = await walker.walk(7, BUDGET_US);
  walker.close();
  equal(walk.kind === "unknown" && walk.reason, "walker_failed");
  equal(walk.walk_cpu_us, 0, "nothing ran");
});

test("an answer for another process is refused: no heap is booked to the wrong one", async () => {
  const walker = startWalker(scriptedWalker('while read line; do echo "pid=1 status=ok live_bytes=5"; done'));
  const walk = await walker.walk(7, BUDGET_US);
  walker.close();
  deepEqual([walk.kind, walk.pid], ["unknown", 7]);
});

/** Hangs when asked for pid 7, answers for any other after a while: late enough for the old walker's exit to come between. */
const hangsForSeven = `while read pid budget wall; do
  if [ "$pid" = 7 ]; then exec sleep 60; fi
  sleep 0.2; echo "pid=$pid status=unknown reason=denied walk_cpu_us=3"
done`;

test("a walk that hangs fails alone, is charged its whole budget, and the next ones are answered by a new walker", async () => {
  const walker = startWalker(scriptedWalker(hangsForSeven), { answerTimeoutMs: 1_000 });
  // Twice in a row, because failures in a row would start the pause that makes the next process wait.
  const walks = await Promise.all([7, 7, 8, 7, 9].map((pid) => walker.walk(pid, BUDGET_US)));
  walker.close();
  deepEqual(
    walks.map((walk) => [walk.pid, walk.kind === "unknown" && walk.reason, walk.walk_cpu_us]),
    [
      [7, "walker_failed", BUDGET_US],
      [7, "walker_failed", BUDGET_US],
      [8, "denied", 3],
      [7, "walker_failed", BUDGET_US],
      [9, "denied", 3],
    ],
  );
});

test("what a killed walker still says is not taken for the answer of the new one", async () => {
  // A helper holds the old walker's output open, and writes to it while the new walker is at work on the same pid.
  const marker = join(mkdtempSync(join(tmpdir(), "tidemark-")), "started");
  const script = `if [ ! -e ${marker} ]; then
    touch ${marker}; read line
    (sleep 1.3; echo "pid=7 status=unknown reason=stale") &
    exec sleep 60
  fi
  while read line; do sleep 0.7; echo "pid=7 status=unknown reason=fresh"; done`;
  const walker = startWalker(scriptedWalker(script), { answerTimeoutMs: 1_000 });
  const walks = [await walker.walk(7, BUDGET_US), await walker.walk(7, BUDGET_US)];
  walker.close();
  deepEqual(
    walks.map((walk) => walk.kind === "unknown" && walk.reason),
    ["walker_failed", "fresh"],
  );
});

test("a walker that says what nobody asked for is replaced: its next line could be an answer out of step", async () => {
  const log = join(mkdtempSync(join(tmpdir(), "tidemark-")), "starts");
  const chatty = `echo started >>${log}; while read pid rest; do echo "pid=$pid status=unknown reason=a"; sleep 0.1; echo more; done`;
  const walker = startWalker(scriptedWalker(chatty));
  await walker.walk(7, BUDGET_US);
  await sleep(500);
  const walk = await walker.walk(7, BUDGET_US);
  walker.close();
  equal(walk.kind === "unknown" && walk.reason, "a");
  equal(readFileSync(log, "utf8").trim().split("\n").length, 2);
});

test("the real walker is given a wall time shorter than the time its answer is waited for", async () => {
  const walker = startWalker(scriptedWalker('read pid budget wall; echo "pid=$pid status=unknown reason=$wall"; read line'));
  const walk = await walker.walk(7, BUDGET_US);
  walker.close();
  equal(walk.kind === "unknown" && walk.reason, "5000");
});
