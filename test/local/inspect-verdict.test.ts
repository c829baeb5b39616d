// The verdict on one moment, at its limits.
import { deepEqual, doesNotMatch, match } from "node:assert/strict";
import { test } from "node:test";
import type { Measured } from "../../collector/watch/watched.ts";
import { verdictOf } from "../../local/inspect-verdict.ts";

const MIB = 1_048_576;
const row = (values: Partial<Measured>): Measured => ({
  sampled_at: 0,
  pid: 1,
  process_key: "k",
  service: "s",
  allocator: "glibc",
  heap_source: "walk",
  rss_bytes: 100 * MIB,
  live_bytes: 50 * MIB,
  fastbin_bytes: 0,
  heap_resident_bytes: 90 * MIB,
  ...values,
});
const answer = (values: Partial<Measured>) => /^Fragmented\? ([^:.]+)/.exec(verdictOf(row(values), "/shim")[0] ?? "")?.[1];

test("a share and a floor must both be reached; then it depends on what a relief would leave", () => {
  const cases = [
    [{ free_resident_bytes: 29 * MIB, reclaimable_bytes: 0 }, "No"],
    [{ free_resident_bytes: 30 * MIB, reclaimable_bytes: 0 }, "Yes"],
    [{ free_resident_bytes: 30 * MIB, reclaimable_bytes: 15 * MIB }, "Not much, but memory is kept"],
    [{ rss_bytes: 10 * MIB, free_resident_bytes: 7 * MIB, reclaimable_bytes: 0 }, "No"],
    [{ rss_bytes: 10 * MIB, free_resident_bytes: 8 * MIB, reclaimable_bytes: 0 }, "Yes"],
    [{ free_resident_bytes: 30 * MIB, reclaimable_bytes: 0, free_bytes: 30 * MIB, fastbin_bytes: MIB }, "Perhaps"],
    [{ live_bytes: null }, "Unknown"],
    [{ free_resident_bytes: 30 * MIB }, "Unknown"],
  ] as const;
  deepEqual(
    cases.map(([values]) => answer(values)),
    cases.map(([, expected]) => expected),
  );
});

test("every verdict with figures says that a leak cannot be told from one moment", () => {
  for (const free of [0, 60 * MIB])
    match(verdictOf(row({ free_resident_bytes: free, reclaimable_bytes: 0 }), "/shim").join("\n"), /cannot tell a leak/);
});

test("memory that is held comes with the first thing that would help, to be pasted; memory that is not, without", () => {
  const said = (values: Partial<Measured>) => verdictOf(row(values), "/shim.so").join("\n");
  const kept = { free_resident_bytes: 40 * MIB, reclaimable_bytes: 38 * MIB, allocator_version: "2.36" };
  match(said(kept), /What would help: give memory back after the peak \(relief\), about 38 MiB back: whole free pages/);
  match(said(kept), /^ {2}LD_PRELOAD=\/shim\.so TIDEMARK_RELIEF=1\n {2}tidemark relief 1 --timeout 5m$/m);
  match(said({ ...kept, reclaimable_bytes: 0 }), /What would help: run it with jemalloc .*Or: pool the sizes that pin pages\./);
  const jemalloc = { ...kept, allocator: "jemalloc", allocator_version: "5.3.0", heap_source: "shim", dirty_bytes: 38 * MIB };
  match(said(jemalloc), /^ {2}MALLOC_CONF=background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0$/m);
  doesNotMatch(said({ ...kept, free_resident_bytes: 20 * MIB, reclaimable_bytes: 20 * MIB }), /What would help/);
  doesNotMatch(said({ live_bytes: null, heap_unknown_reason: "denied" }), /What would help/);
});

test("each reason for not knowing comes with what to do", () => {
  const advice = (heap_unknown_reason: string | null, allocator = "glibc") =>
    verdictOf(row({ live_bytes: null, heap_unknown_reason, allocator }), "/shim.so")
      .slice(1)
      .join(" ");
  const cases = [
    ["denied", /sudo npm run tidemark -- inspect 1$/],
    ["no_shim", /LD_PRELOAD=\/shim\.so$/],
    ["shim_silent", /ask again/],
    ["budget", / {2}TIDEMARK_WALK_CPU_US_MAX=\d+ npm run tidemark -- inspect 1$/],
    ["layout", /ask the runtime itself/],
    ["no_heap", /ask the runtime itself/],
    ["swapped", /ask again when/],
    ["stale_ring", /state T/],
    ["ring_refused", /start the program again/],
    ["no_pagemap", /root of the host/],
    ["walker_failed", /make -C native/],
    ["allocator_silent", /MIMALLOC_SHOW_STATS=1/],
    ["changed", /ask again/],
  ] as const;
  for (const [reason, expected] of cases) match(advice(reason), expected, reason);
  match(advice(null, "unknown"), /linked statically/);
});
