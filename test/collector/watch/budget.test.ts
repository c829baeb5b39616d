// Budgets of costly measurements.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import {
  createPurse,
  nextDueMs,
  PROCESSES_NEVER_SAMPLED,
  rollupWouldStall,
  rowCountMax,
} from "../../../collector/watch/budget.ts";

test("a walk that cost 1 ms may run again after half a second when it may take 0.2 % of a core", () => {
  equal(nextDueMs({ costShareMax: 0.002 }, 10_000, 1_000), 10_500);
});

test("what cost nothing is due at once", () => {
  equal(nextDueMs({ costShareMax: 0.001 }, 10_000, 0), 10_000);
});

const MINUTE_MS = 60_000;
const purse = () => createPurse(() => ({ costShareMax: 0.02, burstMs: MINUTE_MS }));

/** How many measurements of 100 ms it pays for at this moment. */
function spendAll(from: ReturnType<typeof purse>, nowMs: number): number {
  let count = 0;
  for (; from.hasLeft(nowMs); count++) from.spend(nowMs, 100_000);
  return count;
}

test("all walks together may spend one row interval's share at once, and no more than the share after that", () => {
  const walks = purse();
  equal(spendAll(walks, MINUTE_MS), 13, "1.2 s of CPU a minute: twelve walks of 100 ms, and the one that goes beyond");
  equal(walks.hasLeft(MINUTE_MS + 4_999), false, "which is paid back first");
  equal(spendAll(walks, 2 * MINUTE_MS), 12);
});

test("an idle host saves up for one burst, not for ever", () => {
  const walks = purse();
  walks.spend(0, 100_000);
  equal(spendAll(walks, 100 * MINUTE_MS), 13);
});

test("a budget that a reload has changed counts from the next measurement on", () => {
  let costShareMax = 0.02;
  const walks = createPurse(() => ({ costShareMax, burstMs: MINUTE_MS }));
  spendAll(walks, MINUTE_MS);
  costShareMax = 0.2;
  equal(spendAll(walks, 2 * MINUTE_MS), 111, "55 s at the new share: what had gone beyond is still to be paid back");
});

test("of many processes only so many get a row as the budget pays for; few always get theirs", () => {
  const budget = { costShareMax: 0.001, burstMs: MINUTE_MS };
  equal(rowCountMax(budget, 100), 600);
  equal(rowCountMax(budget, 10_000), PROCESSES_NEVER_SAMPLED);
});

test("smaps_rollup of a process beyond the stall budget is not read: 50 ms are 5 GB", () => {
  equal(rollupWouldStall(4.9e9, 50), false);
  equal(rollupWouldStall(5.1e9, 50), true);
});
