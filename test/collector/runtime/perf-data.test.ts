// Performance data of real JVMs (OpenJDK 17 and 25, each collector, 40 MiB kept and 460 wasted), and bytes that only look like it.
// That the figures are those of jstat is asked of living JVMs in jvm.test.ts.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { type JvmFigures, parsePerfData } from "../../../collector/runtime/perf-data.ts";
import { fixtureBytes } from "../../support/fixtures.ts";

const KIB = 1_024;
const fixtureOf = (name: string): Buffer => Buffer.from(fixtureBytes(`perf-data/${name}`));

function figuresOf(bytes: Buffer): JvmFigures {
  const parsed = parsePerfData(bytes);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

// Sums of the columns that `jstat -gc` showed at the same moment: S0C to OC, S0U to OU, YGC + FGC + CGC and GCT.
const shownByJstat: readonly [string, string, number, number, number, number][] = [
  ["17-serial", "17.0.15", 204_800, 49_251.1, 10, 36],
  ["17-parallel", "17.0.15", 204_800, 60_829.0, 12, 42],
  ["17-g1", "17.0.15", 147_456, 104_132.9, 10, 30],
  ["17-z", "17.0.15", 204_800, 45_056.0, 21, 0],
  ["17-shenandoah", "17.0.15", 204_800, 72_852.1, 126, 115],
  ["25-serial", "25.0.3", 204_800, 42_316.2, 10, 48],
  ["25-g1", "25.0.3", 147_456, 42_911.9, 8, 45],
  ["25-z", "25.0.3", 204_800, 45_056.0, 61, 0],
];

test("the heap is what jstat showed: committed, used, collections and pauses", () => {
  for (const [name, version, committedKib, usedKib, gcCount, gcPauseMs] of shownByJstat) {
    const figures = figuresOf(fixtureOf(name));
    equal(figures.version, version, name);
    // G1 of JDK 17 adds 8 bytes to each of four capacities, so that none is 0; jstat's decimal hides them.
    equal(Math.floor(figures.heapBytes / KIB), committedKib, name);
    equal(Math.abs(figures.heapUsedBytes / KIB - usedKib) < 0.2, true, `${name}: ${figures.heapUsedBytes / KIB} KiB used`);
    deepEqual([figures.gcCount, figures.gcPauseMs, figures.isCollecting], [gcCount, gcPauseMs, false], name);
  }
});

test("the limit is -Xmx, whether generations have a place of their own or share all of it", () => {
  for (const [name] of shownByJstat) {
    equal(Math.floor((figuresOf(fixtureOf(name)).heapLimitBytes ?? 0) / KIB), 200 * KIB, name);
  }
});

test("use after a collection leaves out eden; ZGC and Shenandoah do not tell it", () => {
  const cases: readonly [string, number | null][] = [
    ["17-serial", 41_504.3 + 16.2],
    ["17-parallel", 41_504.2 + 48],
    ["17-g1", 42_692.9],
    ["25-serial", 42_300 + 16.2],
    ["25-g1", 42_893.9 + 18],
    ["17-z", null],
    ["25-z", null],
    ["17-shenandoah", null],
  ];
  for (const [name, kib] of cases) {
    const { usedAfterGcBytes } = figuresOf(fixtureOf(name));
    equal(usedAfterGcBytes === null ? null : Math.round(usedAfterGcBytes / KIB), kib === null ? null : Math.round(kib), name);
  }
});

/** Where the value of a counter lies. */
function valueAt(bytes: Buffer, counter: string): number {
  let at = bytes.readInt32LE(24);
  for (let entry = 0; entry < bytes.readInt32LE(28); entry++) {
    const name = at + bytes.readInt32LE(at + 4);
    if (bytes.toString("latin1", name, bytes.indexOf(0, name)) === counter) return at + bytes.readInt32LE(at + 16);
    at += bytes.readInt32LE(at);
  }
  throw new Error(`${counter} is not among the counters`);
}

function changed(name: string, counter: string, value: bigint): Buffer {
  const bytes = fixtureOf(name);
  bytes.writeBigInt64LE(value, valueAt(bytes, counter));
  return bytes;
}

test("a collection under way is told by when it was entered", () => {
  equal(figuresOf(changed("17-g1", "sun.gc.collector.0.lastEntryTime", 2n ** 62n)).isCollecting, true);
});

test("figures that cannot be are not passed on: less than nothing, or more than a number holds", () => {
  equal(figuresOf(changed("17-g1", "sun.gc.collector.0.time", -1n)).gcPauseMs, null);
  equal(figuresOf(changed("17-g1", "sun.os.hrt.frequency", 0n)).gcPauseMs, null);
  equal(figuresOf(changed("17-g1", "sun.gc.generation.1.maxCapacity", -8n)).heapLimitBytes, null);
  // A generation without its capacity is none; without any there is no heap.
  equal(parsePerfData(changed("17-z", "sun.gc.generation.1.capacity", -1n)).ok, false);
  equal(parsePerfData(changed("17-z", "sun.gc.generation.1.space.0.used", 2n ** 60n)).ok, false);
  equal(parsePerfData(changed("17-z", "sun.gc.collector.2.invocations", -1n)).ok, false);
});

test("a version that is none is not passed on", () => {
  const bytes = fixtureOf("17-g1");
  const at = valueAt(bytes, "java.property.java.version");
  bytes.write("1\u001b[2J", at, "latin1");
  equal(figuresOf(bytes).version, null);
});

test("bytes that are no performance data, of another order or version, or not ready, are told apart", () => {
  const cases: readonly [string, (bytes: Buffer) => void, RegExp][] = [
    ["magic", (bytes) => bytes.writeUInt8(0, 0), /no performance data/],
    ["big endian", (bytes) => bytes.writeUInt8(0, 4), /byte order 0/],
    ["version 1", (bytes) => bytes.writeUInt8(1, 5), /version 1/],
    ["being made", (bytes) => bytes.writeUInt8(0, 7), /still being made/],
    ["no entries", (bytes) => bytes.writeInt32LE(0, 28), /no heap/],
    ["entries before the file", (bytes) => bytes.writeInt32LE(-4, 24), /entry 0 lies at -4/],
    ["entries beyond the file", (bytes) => bytes.writeInt32LE(2 ** 31 - 1, 24), /entry 0 lies at/],
    ["an entry without an end", (bytes) => bytes.writeInt32LE(0, 32), /entry 0 has 0 bytes/],
    ["an entry that runs out", (bytes) => bytes.writeInt32LE(2 ** 31 - 1, 32), /entry 0 has/],
    ["an entry that runs back", (bytes) => bytes.writeInt32LE(-32, 32), /entry 0 has -32 bytes/],
  ];
  for (const [what, change, reason] of cases) {
    const bytes = fixtureOf("17-g1");
    change(bytes);
    const parsed = parsePerfData(bytes);
    equal(!parsed.ok && reason.test(parsed.error), true, `${what}: ${JSON.stringify(parsed)}`);
  }
});

test("more entries than any JVM has are not looked at, and none is looked for beyond the end", () => {
  const bytes = Buffer.alloc(1_024 * KIB);
  fixtureOf("17-z").copy(bytes, 0, 0, 32);
  bytes.writeInt32LE(2 ** 31 - 1, 28);
  for (let at = 32; at + 24 <= bytes.length; at += 24) bytes.writeInt32LE(24, at);
  equal(parsePerfData(bytes).ok, false);
  bytes.writeInt32LE(4_000, 28);
  equal(parsePerfData(bytes).ok, false);
});

test("no bytes make it throw: cut anywhere, and each byte of prologue and entries turned", () => {
  const whole = fixtureOf("25-z");
  for (let length = 0; length < whole.length; length += 13) parsePerfData(whole.subarray(0, length));
  for (let at = 0; at < whole.length; at += 7) {
    for (const byte of [0, 0x7f, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[at] = byte;
      const parsed = parsePerfData(bytes);
      if (!parsed.ok) continue;
      const { version: _, isCollecting: __, ...figures } = parsed.value;
      equal(
        Object.values(figures).every((figure) => figure === null || (Number.isSafeInteger(figure) && figure >= 0)),
        true,
      );
    }
  }
});
