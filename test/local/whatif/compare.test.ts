// What tidemark whatif makes of its runs: after-peak memory, noise, the verdict, the expectations, and the page.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { standalone } from "../../../local/whatif/chart.ts";
import {
  afterRssOf,
  bytesDifference,
  expectationError,
  type Outcome,
  outcomeOf,
  verdictOf,
} from "../../../local/whatif/compare.ts";
import { librariesIn } from "../../../local/whatif/libraries.ts";
import { matrixOf, type Setting } from "../../../local/whatif/matrix.ts";
import { whatifPage } from "../../../local/whatif/page.ts";
import type { Run } from "../../../local/whatif/run.ts";
import { resultText, verdictSentences } from "../../../local/whatif/text.ts";

const MB = 1_000_000;
const SETTLE_MS = 4_000;

/** Rises to 100 MB within two seconds, then holds what is left until six seconds are over. */
const run = (leftBytes: number, more: Partial<Run> = {}): Run => ({
  ending: { kind: "ended" },
  points: Array.from({ length: 61 }, (_, at) => ({ atMs: at * 100, rssBytes: at <= 20 ? at * 5 * MB : leftBytes })),
  heaps: [],
  peakRssBytes: 100 * MB,
  cpuSeconds: 1,
  seconds: 2,
  durationMs: 6_000,
  notes: [],
  ...more,
});

const setting = (id: string, more: Partial<Setting> = {}): Setting => ({
  id,
  title: id,
  changes: { NAME: id },
  relief: false,
  effort: "setting",
  expectedBytes: null,
  why: "",
  allocator: null,
  ...more,
});

const outcome = (id: string, lefts: readonly number[], more: Partial<Setting> = {}, ofRun: Partial<Run> = {}): Outcome =>
  outcomeOf(
    setting(id, more),
    lefts.map((left) => run(left * MB, ofRun)),
    SETTLE_MS,
  );

const base = outcome("baseline", [80, 84]);

test("after the peak is the median of the settled end: the peak itself, and its way down, are not in it", () => {
  equal(afterRssOf(run(80 * MB), SETTLE_MS), 80 * MB);
  // A program that ends by itself soon after its peak is judged by the second half of what came after.
  const short = { ...run(80 * MB), points: run(80 * MB).points.slice(0, 25), durationMs: 2_450 };
  equal(afterRssOf(short, SETTLE_MS), 80 * MB);
  equal(afterRssOf({ ...run(1), points: [] }, SETTLE_MS), null);
});

test("a difference is noise up to what runs of one setting differed by, and never below two per cent", () => {
  const against = (lefts: readonly number[]) => bytesDifference(outcome("a", lefts).afterRssBytes, base.afterRssBytes);
  deepEqual(against([78]), { amount: -4 * MB, isNoise: true });
  deepEqual(against([77]), { amount: -5 * MB, isNoise: false });
  // Its own runs may be further apart than the baseline's.
  deepEqual(against([70, 80]), { amount: -7 * MB, isNoise: true });
  const steady = outcome("baseline", [100, 100]);
  equal(bytesDifference(outcome("a", [98.5]).afterRssBytes, steady.afterRssBytes)?.isNoise, true);
  equal(bytesDifference(null, steady.afterRssBytes), null);
});

test("the best setting leaves least; of two that leave about the same the smaller effort is the better one", () => {
  const best = (...others: readonly Outcome[]) => verdictOf(base, others).best?.setting.id ?? null;
  equal(best(outcome("a", [40]), outcome("b", [20])), "b");
  equal(best(outcome("library", [20], { effort: "preload" }), outcome("variable", [24])), "variable");
  equal(best(outcome("library", [20], { effort: "preload" }), outcome("variable", [30])), "library");
});

test("a setting that lowers the peak as well is better than one that leaves a little less after it", () => {
  const lower = outcome("arenas", [14], {}, { peakRssBytes: 20 * MB });
  const after = outcome("relief", [4], { effort: "operation" });
  const text = verdictSentences({ command: "x", load: null, base, others: [after, lower], leftOut: [] })[0] ?? "";
  match(text, /^Best: arenas: 13\.4 MiB after the peak .*, and 19\.1 MiB at the peak instead of 95\.4 MiB, /);
});

test("a setting with which the program ends differently is never the best one, and nothing is said to help that does not", () => {
  const crashed = outcome("crash", [5], {}, { ending: { kind: "signal", signal: "SIGSEGV" } });
  const failed = outcome("load", [5], {}, { ending: { kind: "failed", because: "the load ended with 1" } });
  const slight = outcome("slight", [81]);
  const others = [crashed, failed, slight];
  equal(verdictOf(base, others).best, null);
  match(
    verdictSentences({ command: "x", load: null, base, others, leftOut: [] })[0] ?? "",
    /^Nothing here helps: .*slight, left 77\.2 MiB/,
  );
});

test("what the best one costs is said: time and CPU beyond the noise", () => {
  const dear = outcome("dear", [20], {}, { cpuSeconds: 1.5, seconds: 2.1 });
  deepEqual(verdictOf(base, [dear]).dearer, ["50 % more CPU"]);
  const text = resultText({ command: "x", load: null, base, others: [dear], leftOut: [] }, (words) => words);
  match(text, /Best: dear: 19\.1 MiB after the peak instead of 78\.2 MiB, 76 % less, for 50 % more CPU\./);
  match(text, /^dear +95\.4 MiB +19\.1 MiB +-59\.1 MiB -76% +- +1\.50 \+50% +2\.10 +ended$/m);
});

test("the expected effect stands beside the measured one, with the error as a part of the measured", () => {
  const one = outcome("one", [32], { expectedBytes: 60 * MB });
  equal(expectationError(one, bytesDifference(one.afterRssBytes, base.afterRssBytes)), 0.2);
  const none = outcome("none", [82], { expectedBytes: 0 });
  equal(expectationError(none, bytesDifference(none.afterRssBytes, base.afterRssBytes)), null);
  const text = resultText({ command: "x", load: null, base, others: [one, none], leftOut: [] }, (words) => words);
  match(text, /one: expected 57\.2 MiB less, measured 47\.7 MiB less, 20 % off/);
  match(text, /none: expected nothing, measured no difference beyond the noise/);
});

test("hostile names cannot leave their place in the page or the drawing, nor drive the terminal", async () => {
  const evil = '</style><script>alert("1")</script>\u001b[2J\u202e';
  const others = [outcome(evil, [20], { title: evil, why: evil, changes: { NAME: evil } })];
  const result = { command: evil, load: evil, base, others, leftOut: [evil] };
  for (const text of [await whatifPage(result, 0), await standalone(base, others, evil)]) {
    ok(!/<script/i.test(text));
    ok(!text.includes("\u001b") && !text.includes("\u202e"));
  }
  ok(!resultText(result, (words) => words).includes("\u001b"));
});

test("a library of another architecture is no library, and what is missing is named with its package", () => {
  const text = [
    "2 libs found in cache `/etc/ld.so.cache'",
    "\tlibjemalloc.so.2 (libc6) => /lib/i386-linux-gnu/libjemalloc.so.2",
    "\tlibjemalloc.so.2 (libc6,x86-64) => /lib/x86_64-linux-gnu/libjemalloc.so.2",
    "\tlibc.so.6 (libc6,x86-64, OS ABI: Linux 3.2.0) => /lib/x86_64-linux-gnu/libc.so.6",
    "\tlibmimalloc.so.2 => nonsense",
  ].join("\n");
  const { paths, missing } = librariesIn(text, "x86-64");
  deepEqual([...paths].sort(), [
    ["glibc", "/lib/x86_64-linux-gnu/libc.so.6"],
    ["jemalloc", "/lib/x86_64-linux-gnu/libjemalloc.so.2"],
  ]);
  equal(missing.length, 2);
  match(missing[0] ?? "", /tcmalloc is not on this machine: package libtcmalloc-minimal4/);
});

test("only what this version has and what changes something is tried, advice first, and the preloads that are there stay", () => {
  const libraries = { paths: new Map([["jemalloc", "/lib/libjemalloc.so.2"]] as const), missing: ["mimalloc is not here"] };
  const input = {
    service: "a",
    cause: "retention",
    allocator: "glibc",
    allocator_version: "2.36",
    heap_source: "walk",
    runtime: null,
    runtime_version: null,
    comm: "a",
    libc: null,
    tunables: null,
    figures: {
      rss_bytes: 100 * MB,
      anon_bytes: 98 * MB,
      live_bytes: 8 * MB,
      free_bytes: 90 * MB,
      free_resident_bytes: 90 * MB,
      reclaimable_bytes: 80 * MB,
      top_bytes: MB,
      free_chunk_count: 10_000,
      free_chunk_bytes_max: MB,
      arena_count: 1,
    },
    fleet: null,
    instance_type: null,
    shimPath: "/usr/lib/tidemark/libtidemark.so",
  };
  const env = { LD_PRELOAD: "/opt/own.so", MALLOC_ARENA_MAX: "2" };
  const { settings, leftOut } = matrixOf({ input, env, libraries, shimPath: input.shimPath });
  const byId = new Map(settings.map((one) => [one.id, one]));
  equal(settings[0]?.id, "relief");
  equal(byId.get("relief")?.expectedBytes, 80 * MB);
  equal(byId.get("jemalloc.switch")?.changes["LD_PRELOAD"], "/lib/libjemalloc.so.2 /opt/own.so");
  equal(byId.get("jemalloc.switch")?.changes["MALLOC_CONF"], "background_thread:true");
  // Set already, and libraries that are not here.
  deepEqual(
    ["glibc.arena_max", "tcmalloc.switch"].map((id) => byId.has(id)),
    [false, false],
  );
  ok(leftOut.includes("mimalloc is not here"));
  equal(byId.get("glibc.trim_threshold")?.expectedBytes, 0);
  match(byId.get("glibc.trim_threshold")?.why ?? "", /^not advised: the tops of the arenas are/);
});
