// What is told before a relief, and what after one.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { parseRing, type ReliefAnswer, type ReliefOutcome } from "../../collector/heap/ring.ts";
import type { RingFault } from "../../collector/heap/ring-file.ts";
import type { Measured } from "../../collector/watch/watched.ts";
import { reliefPreview, reliefText } from "../../local/inspect-relief.ts";
import type { MappedRingOf } from "../../local/measure-once.ts";
import { asText } from "../../local/relief.ts";
import { err } from "../../schema/result.ts";
import { ringBytes } from "../support/ring-bytes.ts";

const MB = 1_000_000;
const row: Measured = {
  sampled_at: 0,
  pid: 77,
  process_key: "k",
  service: "s",
  allocator: "glibc",
  live_bytes: 1,
  free_resident_bytes: 2_500 * MB,
  reclaimable_bytes: 2_000 * MB,
};
const owner = { pid: 77, ownPid: 77, uids: [0] };
const file = {
  kind: "ring",
  path: "/run/tidemark/rings/77-1.ring",
  device: "00:1a",
  inode: "1",
  isDeleted: false,
} as const;
const ringWith = (reliefAllowed: number): MappedRingOf => {
  const ring = parseRing(ringBytes({ reliefAllowed }));
  if (!ring.ok) throw new Error(ring.error);
  return { owner, file, ring };
};
const faulty = (reason: RingFault["reason"]): MappedRingOf => ({ owner, file, ring: err({ reason, detail: "x" }) });

test("beforehand: what it returns, what stays, how long it may stall, and whether it is possible", () => {
  const cases = [
    [null, "no_shim", /LD_PRELOAD=\/shim\.so TIDEMARK_RELIEF=1\n/],
    [ringWith(0), "not_allowed", /not started with\n {2}TIDEMARK_RELIEF=1$/],
    [ringWith(1), null, /To do it:\n {2}npm run tidemark -- relief 77$/],
    [faulty("ring_denied"), "ring_denied", / {2}sudo npm run tidemark -- relief 77$/],
    [faulty("ring_deleted"), "ring_deleted", /Start the\s+process again/],
  ] as const;
  for (const [mapped, obstacle, text] of cases) {
    const preview = reliefPreview(row, mapped);
    deepEqual([preview.obstacle, preview.is_possible], [obstacle, obstacle === null]);
    const told = reliefText(preview, "/shim.so");
    match(told, text);
    match(told, /malloc_trim\(0\) would return 1\.9 GiB now; 477 MiB of free\s+memory would stay/);
    match(told, /It would take 340 ms, 2\.2 s at worst/);
  }
});

test("of an allocator that is not known nothing can be asked, and no preload is advised", () => {
  const told = reliefText(reliefPreview({ ...row, allocator: "unknown", reclaimable_bytes: null }, null), "/s");
  equal(told, "Relief: not possible, because the allocator of this process is not known.");
});

test("where fastbins hide a part of it, it returns at least so much, and is worth asking for", () => {
  const parked = { ...row, heap_source: "walk", free_bytes: 2_500 * MB, fastbin_bytes: 30 * MB };
  const preview = reliefPreview(parked, ringWith(1));
  equal(preview.reclaimable_is_least, true);
  match(reliefText(preview, "/s"), /would return at least 1\.9 GiB now; at most 477 MiB of free/);
  match(reliefText(reliefPreview({ ...parked, reclaimable_bytes: 0 }, ringWith(1)), "/s"), /at least 0 B now/);
  equal(reliefPreview({ ...parked, fastbin_bytes: 20 * MB }, ringWith(1)).reclaimable_is_least, false);
});

test("what is not known beforehand is said to be so, and nothing to gain is not worth a lock", () => {
  match(reliefText(reliefPreview({ ...row, reclaimable_bytes: null }, ringWith(1)), "/s"), /What it would return is not known/);
  equal(
    reliefText(reliefPreview({ ...row, reclaimable_bytes: 0 }, ringWith(1)), "/s"),
    "Relief: malloc_trim(0) would return nothing now.",
  );
});

const answerOf = (outcome: ReliefOutcome): ReliefAnswer => ({
  request_number: 1,
  outcome,
  bytes_asked: 100 * MB,
  resident_bytes_before: null,
  resident_bytes_after: null,
  bytes_returned: outcome === "done" ? 99 * MB : null,
  duration_us: outcome === "done" ? 12_400 : null,
  cpu_us: outcome === "done" ? 12_300 : null,
  answered_ms: 5,
});
const seen = { rss_bytes_before: 300 * MB, rss_bytes_after: 201 * MB };

test("afterwards: what came back by the shim's word and by the kernel's, or why it was not done", () => {
  equal(
    asText("glibc", { ok: true, value: answerOf("done") }, seen),
    "Done: malloc_trim(0) returned 94.4 MiB of 95.4 MiB expected, in 12 ms (12 ms of CPU).\nRSS as the kernel tells it: 286 MiB before, 192 MiB now.",
  );
  match(asText("glibc", { ok: true, value: { ...answerOf("done"), bytes_asked: 0 } }, seen), /returned 94\.4 MiB, in 12 ms/);
  const cases = [
    ["not_allowed", /TIDEMARK_RELIEF=1/],
    ["rate_limited", /too short a time ago/],
    ["never_quiet", /busy all the time/],
    ["unsupported", /offers no such call/],
  ] as const;
  for (const [outcome, text] of cases) match(asText("glibc", { ok: true, value: answerOf(outcome) }, seen), text);
  match(asText("glibc", err({ kind: "no_answer" }), seen), /Whether it was done is not known/);
  match(asText("glibc", err({ kind: "pending" }), seen), /another request/);
  match(asText("glibc", err({ kind: "ring", fault: { reason: "ring_refused", detail: "mode 644" } }), seen), /mode 644/);
});
