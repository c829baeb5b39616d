// When the folder of ring files is swept, and what the collector counts of it.
import { deepEqual, equal } from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSweeper } from "../../../collector/watch/sweeper.ts";
import { ringBytes } from "../../support/ring-bytes.ts";

const nobody = () => ({ names: new Set<string>(), inodes: new Set<string>(), unaskedPids: new Set<number>() });

function sweeperOf(values: { readonly costUs?: number; readonly mappedFiles?: typeof nobody } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-"));
  const clock = { nowMs: Date.now() + 3_600_000, cpuUs: 0 };
  const told: string[] = [];
  const edge = {
    folder,
    nowMs: () => clock.nowMs,
    upMs: () => clock.nowMs,
    // Each look at the clock is charged, so that a sweep has a cost.
    cpuUs: () => {
      clock.cpuUs += values.costUs ?? 0;
      return clock.cpuUs;
    },
    onDead: ({ name }: { name: string }) => told.push(name),
    onFault: (error: unknown) => told.push(String(error)),
  };
  const sweeper = createSweeper(edge, values.mappedFiles ?? nobody);
  const put = (name: string) => writeFileSync(join(folder, name), ringBytes(), { mode: 0o600 });
  return { sweeper, clock, told, put, folder };
}

test("the dead are handed on and counted once", () => {
  const { sweeper, told, put } = sweeperOf();
  put("7-1.ring");
  sweeper.sweepIfDue();
  deepEqual([told, sweeper.takeDeadRingCount(), sweeper.takeDeadRingCount()], [["7-1.ring"], 1, 0]);
});

test("a minute passes between two sweeps, or a thousand times what the last one cost", () => {
  for (const [costUs, pauseMs] of [
    [0, 60_000],
    [100_000, 100_000],
  ] as const) {
    const { sweeper, clock, put, folder } = sweeperOf({ costUs });
    sweeper.sweepIfDue();
    put("7-1.ring");
    clock.nowMs += pauseMs - 1;
    sweeper.sweepIfDue();
    equal(readdirSync(folder).length, 1);
    clock.nowMs += 1;
    sweeper.sweepIfDue();
    equal(readdirSync(folder).length, 0);
  }
});

test("a file that cannot be removed is handed on once, and not counted", () => {
  const { sweeper, clock, told, put, folder } = sweeperOf();
  put("7-1.ring");
  // Stands for a collector without CAP_FOWNER in a folder with the sticky bit: here nobody may remove anything.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    for (const path of [join(folder, "7-1.ring"), folder]) chownSync(path, 65_534, 65_534);
    process.seteuid?.(65_534);
  }
  chmodSync(folder, 0o500);
  for (let sweeps = 0; sweeps < 3; sweeps++) {
    sweeper.sweepIfDue();
    clock.nowMs += 60_000;
  }
  if (isRoot) process.seteuid?.(0);
  deepEqual([told, sweeper.takeDeadRingCount(), readdirSync(folder)], [["7-1.ring"], 0, ["7-1.ring"]]);
});

test("when there is more than one sweep takes, the next one comes as soon as the cost of the last allows", () => {
  const { sweeper, clock, put, folder } = sweeperOf({ costUs: 1_000 });
  for (let at = 1; at <= 1_100; at++) put(`${at}-1.ring`);
  sweeper.sweepIfDue();
  equal(readdirSync(folder).length, 76);
  clock.nowMs += 999;
  sweeper.sweepIfDue();
  equal(readdirSync(folder).length, 76);
  clock.nowMs += 1;
  sweeper.sweepIfDue();
  equal(readdirSync(folder).length, 0);
});

test("a sweep that fails is told, and the next one comes in its time", () => {
  let isBroken = true;
  const { sweeper, clock, told, put } = sweeperOf({
    mappedFiles: () => {
      if (isBroken) throw new Error("nobody foresaw this");
      return nobody();
    },
  });
  put("7-1.ring");
  sweeper.sweepIfDue();
  isBroken = false;
  clock.nowMs += 60_000;
  sweeper.sweepIfDue();
  deepEqual(told, ["Error: nobody foresaw this", "7-1.ring"]);
});
