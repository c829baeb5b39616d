// The walker process under the collector's hand: real answers, and what happens when it misbehaves.
import { deepEqual, equal } from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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
    deepEqual(walk, { kind: "unknown", reason: "walker_failed", pid, walk_cpu_us: 0, vma_count: null });
  }
});

test("a walker that fails in a row is started ever more seldom, and again when the pause is over", async () => {
  const log = join(mkdtempSync(join(tmpdir(), "tidemark-")), "starts");
  let nowMs = 0;
  const walker = startWalker(scriptedWalker(`echo started >>${log}; read line; exit 1`), () => nowMs);
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
});

test("an answer for another process is refused: no heap is booked to the wrong one", async () => {
  const walker = startWalker(scriptedWalker('while read line; do echo "pid=1 status=ok live_bytes=5"; done'));
  const walk = await walker.walk(7, BUDGET_US);
  walker.close();
  deepEqual([walk.kind, walk.pid], ["unknown", 7]);
});
