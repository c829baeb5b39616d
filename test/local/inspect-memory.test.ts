// The parts of resident memory and the bar: they add up to RSS, whatever the figures claim.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Measured } from "../../collector/watch/watched.ts";
import { barOf, heldOf, legendOf, partsOf } from "../../local/inspect-memory.ts";

const base: Measured = { sampled_at: 0, pid: 1, process_key: "k", service: "s" };
const bytesOf = (row: Partial<Measured>) =>
  Object.fromEntries(partsOf({ ...base, ...row }).map(({ name, bytes }) => [name, bytes]));

const byWalk: Partial<Measured> = {
  allocator: "glibc",
  heap_source: "walk",
  rss_bytes: 1_000,
  file_bytes: 100,
  shmem_bytes: 50,
  heap_resident_bytes: 600,
  live_bytes: 260,
  free_resident_bytes: 400,
  reclaimable_bytes: 150,
  metadata_bytes: 10,
  mmapped_bytes: 60,
  tcache_bytes: 30,
  fastbin_bytes: 5,
};

test("a walked heap: parked chunks are taken out of what is in use, chunks with a mapping of their own are in it", () => {
  deepEqual(bytesOf(byWalk), {
    live: 600 - 400 - 10 + 60 - 35,
    parked: 35,
    "free, pinned": 250,
    "free, reclaimable": 150,
    bookkeeping: 10,
    other: 1_000 - 150 - 660,
    files: 150,
  });
});

test("jemalloc's caches are part of what it calls live, tcmalloc's of what it calls free", () => {
  const shim = {
    ...byWalk,
    heap_source: "shim",
    mmapped_bytes: null,
    tcache_bytes: null,
    fastbin_bytes: null,
    cache_bytes: 40,
  };
  const jemalloc = bytesOf({ ...shim, allocator: "jemalloc" });
  deepEqual([jemalloc["live"], jemalloc["parked"], jemalloc["free, pinned"]], [220, 40, 250]);
  const tcmalloc = bytesOf({ ...shim, allocator: "tcmalloc" });
  deepEqual([tcmalloc["live"], tcmalloc["parked"], tcmalloc["free, pinned"]], [260, 40, 210]);
});

test("without a heap there is what the kernel tells, without RSS nothing", () => {
  deepEqual(bytesOf({ rss_bytes: 1_000, file_bytes: 100 }), { other: 900, files: 100 });
  deepEqual(bytesOf({}), {});
  equal(heldOf(base), null);
});

test("more reclaimable than free is no more than free: the figures are of two moments", () => {
  deepEqual(heldOf({ ...base, live_bytes: 1, free_resident_bytes: 10, reclaimable_bytes: 12 }), {
    heldBytes: 10,
    reclaimableBytes: 10,
    pinnedBytes: 0,
  });
});

test("parts always add up to RSS, none is negative, and the bar has its width", () => {
  const figure = fc.option(fc.nat({ max: 2 ** 40 }));
  const row = fc.record({
    heap_source: fc.constantFrom("walk", "shim"),
    allocator: fc.constantFrom("glibc", "jemalloc", "tcmalloc", "mimalloc"),
    rss_bytes: figure,
    file_bytes: figure,
    shmem_bytes: figure,
    heap_resident_bytes: figure,
    live_bytes: figure,
    free_resident_bytes: figure,
    reclaimable_bytes: figure,
    metadata_bytes: figure,
    mmapped_bytes: figure,
    tcache_bytes: figure,
    cache_bytes: figure,
  });
  fc.assert(
    fc.property(row, (values) => {
      const parts = partsOf({ ...base, ...values });
      equal(
        parts.reduce((sum, { bytes }) => sum + bytes, 0),
        values.rss_bytes ?? 0,
      );
      ok(parts.every(({ bytes }) => bytes > 0));
      equal(barOf(parts, 94).length, parts.length === 0 ? 0 : 94);
      equal(legendOf(parts).length, parts.length);
    }),
    { seed: 20_261_123 },
  );
});
