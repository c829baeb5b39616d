// Ring files as bytes: what a true one says, and that no false one hurts.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseFailures } from "../../../collector/heap/failures.ts";
import { parseRing, type Ring } from "../../../collector/heap/ring.ts";
import { failuresBytes, type RingValues, ringBytes } from "../../support/ring-bytes.ts";

const NOW_MS = 1_800_000_000_000n;
const figures = Array.from({ length: 14 }, (_, at) => BigInt(1_000 + at));
const record = { number: 1n, sampledMs: NOW_MS, figures };

function ringOf(values: RingValues, again?: RingValues): Ring {
  const ring = parseRing(ringBytes(values), again === undefined ? undefined : ringBytes(again));
  if (!ring.ok) throw new Error(ring.error);
  return ring.value;
}

test("the header tells who wrote it, the newest record what it measured", () => {
  const ring = ringOf({
    pid: 4_711,
    startedNs: 0x18fa_e27b_1a2b_3c4dn,
    allocator: 3,
    reliefAllowed: 1,
    records: [record, { ...record, number: 2n, sampledMs: NOW_MS + 10_000n, free: [0n, 7n], pinned: [5n, 0n, 9n] }],
  });
  deepEqual(ring.header, {
    pid: 4_711,
    startedHex: "18fae27b1a2b3c4d",
    allocator: "tcmalloc",
    allocator_version: "5.3.0",
    tunables: "narenas=8 dirty_decay_ms=10000",
    intervalMs: 10_000,
    reliefIsAllowed: true,
    profileIsAllowed: false,
  });
  deepEqual(
    ring.records.map(({ number }) => number),
    [2, 1],
  );
  deepEqual(ring.records[0], {
    number: 2,
    sampledMs: Number(NOW_MS) + 10_000,
    probe_cpu_us: 150,
    figures: {
      heap_bytes: 1_000,
      heap_resident_bytes: 1_001,
      live_bytes: 1_002,
      active_bytes: 1_003,
      free_bytes: 1_004,
      free_chunk_bytes_max: 1_005,
      reclaimable_bytes: 1_006,
      dirty_bytes: 1_007,
      muzzy_bytes: 1_008,
      retained_bytes: 1_009,
      metadata_bytes: 1_010,
      cache_bytes: 1_011,
      bin_waste_bytes: 1_012,
      arena_count: 1_013,
      free_bytes_by_size: [0, 7],
      pinned_bytes_by_size: [5, 0, 9],
    },
  });
});

test("a figure that is absent, or larger than any heap, is null; so is a list with one of them", () => {
  const [newest] = ringOf({ records: [{ ...record, figures: [2n ** 53n, 2n ** 53n - 1n], free: [1n, 2n ** 60n] }] }).records;
  deepEqual(
    [newest?.figures.heap_bytes, newest?.figures.heap_resident_bytes, newest?.figures.live_bytes],
    [null, 2 ** 53 - 1, null],
  );
  deepEqual([newest?.figures.free_bytes_by_size, newest?.figures.pinned_bytes_by_size], [null, null]);
});

test("a record that is being written, was never written, or lies in another's slot is passed over for an older one", () => {
  const cases: readonly [string, readonly bigint[], RingValues, RingValues?][] = [
    ["odd lock", [1n], { records: [record, { ...record, number: 2n, lock: 3 }] }],
    ["lock 0", [1n], { records: [record, { ...record, number: 2n, lock: 0 }] }],
    ["wrong slot", [1n], { records: [record, { ...record, number: 5n, slot: 1 }] }],
    ["number 0", [], { records: [{ ...record, number: 0n, slot: 15 }] }],
    [
      "written between the readings",
      [1n],
      { records: [record, { ...record, number: 2n, lock: 2 }] },
      { records: [record, { ...record, number: 2n, lock: 4 }] },
    ],
    [
      "a round later",
      [17n, 16n],
      {
        records: [
          { ...record, number: 16n },
          { ...record, number: 17n },
        ],
      },
    ],
  ];
  for (const [name, expected, values, again] of cases) {
    deepEqual(
      ringOf(values, again).records.map(({ number }) => BigInt(number)),
      expected,
      name,
    );
  }
});

test("a header of another kind is refused, each with what is wrong", () => {
  const cases: readonly [RingValues, RegExp][] = [
    [{ magic: "tidemark" }, /no ring file/],
    [{ version: 2 }, /version 2/],
    [{ kind: 2 }, /kind is 2/],
    [{ fileBytes: 4_096 }, /file_bytes is 4096/],
    [{ allocator: 5 }, /no allocator has the number 5/],
  ];
  for (const [values, problem] of cases) {
    const ring = parseRing(ringBytes(values));
    match(ring.ok ? "parsed" : ring.error, problem);
  }
  for (const length of [0, 1, 4_096, 20_479, 20_481]) equal(parseRing(Buffer.alloc(length)).ok, false);
});

test("texts are UTF-8 without control characters, or not there", () => {
  const tunables = (bytes: Buffer) => ringOf({ tunables: bytes }).header.tunables;
  equal(tunables(Buffer.from("a=1\n\u001b[31mb=2\u202e ü")), "a=1[31mb=2 ü");
  equal(tunables(Buffer.from([0xff, 0xfe])), null);
  equal(tunables(Buffer.alloc(1_024, "a")), null, "without an end");
  equal(ringOf({ allocatorVersion: Buffer.alloc(64) }).header.allocator_version, null);
});

test("an interval that is none is null", () => {
  for (const intervalMs of [0n, 86_400_001n, 2n ** 64n - 1n]) equal(ringOf({ intervalMs }).header.intervalMs, null);
});

test("the answer is there when it is whole and says something", () => {
  const words = [3n, 100n, 5_000n, 4_000n, 1_000n, 250n, 200n, NOW_MS];
  deepEqual(ringOf({ answer: { lock: 2, outcome: 1, words } }).answer, {
    request_number: 3,
    outcome: "done",
    bytes_asked: 100,
    resident_bytes_before: 5_000,
    resident_bytes_after: 4_000,
    bytes_returned: 1_000,
    duration_us: 250,
    cpu_us: 200,
    answered_ms: Number(NOW_MS),
  });
  for (const [lock, outcome] of [
    [3, 1],
    [0, 1],
    [2, 0],
    [2, 8],
  ] as const) {
    equal(ringOf({ answer: { lock, outcome, words } }).answer, null);
  }
  equal(ringOf({ answer: { lock: 2, outcome: 1, words } }, { answer: { lock: 4, outcome: 1, words } }).answer, null);
});

test("failures are counted, and the last one is told when there was one", () => {
  const read = (words: readonly bigint[]) => {
    const failures = parseFailures(failuresBytes(words));
    if (!failures.ok) throw new Error(failures.error);
    const { header: _header, ...rest } = failures.value;
    return rest;
  };
  deepEqual(read([2n, NOW_MS, 65_536n, 12n, 0n, 2n]), {
    failure_count: 2,
    failedAtMs: Number(NOW_MS),
    failedBytes: 65_536,
    countBySize: [0, 2],
  });
  deepEqual(read([0n, 0n, 0n, 0n]), { failure_count: 0, failedAtMs: null, failedBytes: null, countBySize: [] });
  equal(parseFailures(failuresBytes([2n ** 64n - 1n])).ok, false);
  equal(parseFailures(ringBytes()).ok, false);
  equal(parseFailures(failuresBytes([0n], { kind: 1 })).ok, false);
});

test("whatever bytes a file holds, reading it neither throws nor gives a number that is none", () => {
  const isHarmless = (value: unknown): boolean => {
    if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
    if (typeof value === "string") return value.length <= 1_024 && !/\p{C}/u.test(value);
    if (typeof value === "object" && value !== null) return Object.values(value).every(isHarmless);
    return value === null || typeof value === "boolean";
  };
  const whole = ringBytes({ records: [record, { ...record, number: 2n, free: [1n], pinned: [1n] }] });
  const changes = fc.array(fc.tuple(fc.nat({ max: 20_479 }), fc.uint8Array({ minLength: 1, maxLength: 64 })), {
    maxLength: 30,
  });
  const mutated = (bytes: Buffer, made: readonly (readonly [number, Uint8Array])[]) => {
    const copy = Buffer.from(bytes);
    for (const [at, patch] of made) copy.set(patch.subarray(0, Math.max(0, copy.length - at)), Math.min(at, copy.length));
    return copy;
  };
  let parsed = 0;
  fc.assert(
    fc.property(changes, changes, (first, second) => {
      const ring = parseRing(mutated(whole, first), mutated(whole, second));
      if (ring.ok) parsed++;
      ok(isHarmless(ring.ok ? ring.value : ring.error));
    }),
    { seed: 20_261_123, numRuns: 2_000 },
  );
  ok(parsed > 100, `only ${parsed} of them were read at all`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), changes, (bytes, made) => {
      const stranger = Buffer.from(bytes);
      equal(parseRing(stranger).ok, false);
      const failures = parseFailures(mutated(failuresBytes([3n, 1n, 1n, 1n]), made));
      ok(isHarmless(failures.ok ? failures.value : failures.error));
    }),
    { seed: 20_261_123, numRuns: 2_000 },
  );
});
