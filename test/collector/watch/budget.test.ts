// Budgets of costly measurements.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { nextDueMs, rollupWouldStall, spentUntilMs } from "../../../collector/watch/budget.ts";

test("a walk that cost 1 ms may run again after half a second when it may take 0.2 % of a core", () => {
  equal(nextDueMs({ costShareMax: 0.002 }, 10_000, 1_000), 10_500);
});

test("what cost nothing is due at once", () => {
  equal(nextDueMs({ costShareMax: 0.001 }, 10_000, 0), 10_000);
});

test("all walks together may spend one row interval's share at once, and no more than the share after that", () => {
  const budget = { costShareMax: 0.02, burstMs: 60_000 };
  const nowMs = 1_000_000;
  let spentMs = Number.NEGATIVE_INFINITY;
  let walks = 0;
  for (; spentMs <= nowMs; walks++) spentMs = spentUntilMs(budget, spentMs, nowMs, 100_000);
  equal(walks, 13, "1.2 s of CPU a minute: twelve walks of 100 ms, and the one that goes beyond");
  equal(spentMs, nowMs + 5_000, "which is paid back first");
});

test("an idle host saves up for one burst, not for ever", () => {
  const budget = { costShareMax: 0.02, burstMs: 60_000 };
  equal(spentUntilMs(budget, 0, 1_000_000, 20_000), 941_000);
});

test("smaps_rollup of a process beyond the stall budget is not read: 50 ms are 5 GB", () => {
  equal(rollupWouldStall(4.9e9, 50), false);
  equal(rollupWouldStall(5.1e9, 50), true);
});
