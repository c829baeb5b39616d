// When the newest record of a ring may stand in a row, and which columns come of it.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { parseRing, type Ring } from "../../../collector/heap/ring.ts";
import { readingOf, tellsLive } from "../../../collector/heap/ring-figures.ts";
import { type RingValues, ringBytes } from "../../support/ring-bytes.ts";

const NOW = 1_800_000_000_000n;
const MIB = 1_048_576n;
const VIRTUAL = 1_000 * 1_048_576;

/** jemalloc: resident 100, allocated 60, active 70, free 40 of which 8 are bookkeeping, all MiB. */
const jemalloc = [100n, 100n, 60n, 70n, 40n, 2n, 22n, 22n, 0n, 50n, 8n, 1n, 10n].map((mib) => mib * MIB);
/** tcmalloc: heap 100, no resident figure, live 60, free 40, its bookkeeping beside it. */
const tcmalloc = [100n, undefined, 60n, undefined, 40n, undefined, 25n, 25n, undefined, 5n, 4n, 15n].map((mib) =>
  mib === undefined ? undefined : mib * MIB,
);

function ringOf(values: RingValues): Ring {
  const ring = parseRing(ringBytes(values));
  if (!ring.ok) throw new Error(ring.error);
  return ring.value;
}
const recordOf = (figures: readonly (bigint | undefined)[], sampledMs = NOW) => ({ number: 1n, sampledMs, figures });
const read = (values: RingValues, nowMs = Number(NOW), virtualBytesMax: number | null = VIRTUAL) => {
  const reading = readingOf(ringOf(values), { nowMs, virtualBytesMax });
  return reading.kind === "unknown" ? reading.reason : reading.kind;
};

test("free memory on resident pages is what is free without bookkeeping, where that is counted among it", () => {
  const figuresOf = (allocator: number, figures: readonly (bigint | undefined)[]) => {
    const reading = readingOf(ringOf({ allocator, records: [recordOf(figures)] }), {
      nowMs: Number(NOW),
      virtualBytesMax: VIRTUAL,
    });
    if (reading.kind !== "figures") throw new Error(reading.reason);
    return reading.figures;
  };
  equal(figuresOf(2, jemalloc).free_resident_bytes, Number(32n * MIB));
  equal(figuresOf(3, tcmalloc).free_resident_bytes, Number(40n * MIB));
  const mimalloc = figuresOf(4, [100n * MIB]);
  deepEqual([mimalloc.heap_bytes, mimalloc.free_resident_bytes, tellsLive(mimalloc)], [Number(100n * MIB), null, false]);
});

test("a record is believed for three intervals, and not when it comes from the future", () => {
  const values = { intervalMs: 10_000n, records: [recordOf(jemalloc)] };
  const cases = [
    [0, "figures"],
    [30_000, "figures"],
    [30_001, "stale_ring"],
    [-30_000, "figures"],
    [-30_001, "stale_ring"],
  ] as const;
  for (const [laterMs, expected] of cases) equal(read(values, Number(NOW) + laterMs), expected, String(laterMs));
});

test("a ring without a record, or without an interval, gives no figures", () => {
  equal(read({}), "no_record");
  equal(read({ intervalMs: 0n, records: [recordOf(jemalloc)] }), "ring_refused");
});

test("a process that claims more than its address space ever was is not believed", () => {
  const claims: readonly RingValues[] = [
    { records: [recordOf([2n ** 52n])] },
    { records: [recordOf([undefined, undefined, BigInt(VIRTUAL) + 1n])] },
    { records: [{ ...recordOf(jemalloc), free: [600n * MIB, 600n * MIB] }] },
    { records: [recordOf([...jemalloc, 2_000_000n])] },
  ];
  for (const values of claims) equal(read(values), "ring_refused");
  equal(read({ records: [recordOf([BigInt(VIRTUAL)])] }), "figures");
  equal(read({ records: [recordOf([2n ** 52n])] }, Number(NOW), null), "figures", "nothing to compare with");
});
