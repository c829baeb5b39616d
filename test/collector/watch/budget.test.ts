// Budgets of costly measurements.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import { nextDueMs, rollupWouldStall } from "../../../collector/watch/budget.ts";

test("a walk that cost 1 ms may run again after half a second when it may take 0.2 % of a core", () => {
  equal(nextDueMs({ costShareMax: 0.002 }, 10_000, 1_000), 10_500);
});

test("what cost nothing is due at once", () => {
  equal(nextDueMs({ costShareMax: 0.001 }, 10_000, 0), 10_000);
});

test("smaps_rollup of a process beyond the stall budget is not read: 50 ms are 5 GB", () => {
  equal(rollupWouldStall(4.9e9, 50), false);
  equal(rollupWouldStall(5.1e9, 50), true);
});
