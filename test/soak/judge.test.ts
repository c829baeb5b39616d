// Proves that the soak calls flat what is flat, and what grows by its name.
import { deepEqual, equal, match, throws } from "node:assert/strict";
import { test } from "node:test";
import { judge } from "./judge.ts";
import type { Look } from "./look.ts";
import { soakPage } from "./page.ts";

const MIB = 1_024 * 1_024;
const LOOK_MS = 10_000;

const look = (at: number, changed: Partial<Look> = {}): Look => ({
  atMs: 1_800_000_000_000 + at * LOOK_MS,
  rssBytes: 60 * MIB,
  anonBytes: (20 + (at % 7)) * MIB,
  handles: 29,
  walkerRssBytes: 2 * MIB,
  walkerHandles: 4,
  spoolBytes: (at % 30) * 8_192,
  blackBoxBytes: Math.min(at, 60) * 9_000,
  ringFiles: 12 + (at % 2),
  ringBytes: 300_000,
  ...changed,
});
const looks = (changed: (at: number) => Partial<Look> = () => ({})) =>
  Array.from({ length: 90 }, (_, at) => look(at, changed(at)));
const grown = (all: readonly Look[]) => judge(all, LOOK_MS).flatMap(({ isFlat, figure }) => (isFlat ? [] : [figure]));

test("garbage that comes and goes, and a black box that fills, are flat", () => deepEqual(grown(looks()), []));

test("a handle lost every minute, memory that climbs, ring files that stay: each is named", () => {
  deepEqual(grown(looks((at) => ({ handles: 29 + Math.floor(at / 6) }))), ["handles"]);
  deepEqual(grown(looks((at) => ({ anonBytes: 20 * MIB + at * 0.1 * MIB }))), ["anonBytes"]);
  deepEqual(grown(looks((at) => ({ ringFiles: 12 + at }))), ["ringFiles"]);
  deepEqual(grown(looks((at) => ({ blackBoxBytes: at === 80 ? 17 * MIB : 0 }))), ["blackBoxBytes"]);
});

test("a walker that was away for some looks is judged by the others, and one that never was there is no verdict", () => {
  deepEqual(grown(looks((at) => (at % 10 === 0 ? { walkerRssBytes: Number.NaN, walkerHandles: Number.NaN } : {}))), []);
  throws(
    () =>
      judge(
        looks(() => ({ walkerRssBytes: Number.NaN })),
        LOOK_MS,
      ),
    /walker RSS was seen 0 times/,
  );
});

test("the page says what grew, or that nothing did", async () => {
  const page = (all: readonly Look[]) =>
    soakPage({
      looks: all,
      verdicts: judge(all, LOOK_MS),
      processes: 200,
      command: "npm run soak",
      rows: { arrived: 1_000, processesSeen: 250 },
      cpuShare: 0.003,
    });
  match(await page(looks()), /Everything stayed flat/);
  const text = await page(looks((at) => ({ handles: 29 + at })));
  match(text, /Not flat: collector file handles/);
  equal(text.match(/<svg class="chart"/g)?.length, 9);
});
