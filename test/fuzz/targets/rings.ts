// Files that watched programs write for us: rings and failures of our shim, a JVM's counters, and the program's own file.
// Whoever runs a program can forge each of them; what opens them is tried in test/hostile.
import { deepEqual, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { FAILURES_BYTES, parseFailures } from "../../../collector/heap/failures.ts";
import { parseRing, RING_BYTES } from "../../../collector/heap/ring.ts";
import { goBuildOf } from "../../../collector/runtime/go-build.ts";
import { parsePerfData } from "../../../collector/runtime/perf-data.ts";
import { fixtureBytes } from "../../support/fixtures.ts";
import { failuresBytes, ringBytes } from "../../support/ring-bytes.ts";
import { assertNoOrders, type FuzzTarget, isHarmless } from "../target.ts";

const RECORD = { number: 1n, sampledMs: 1_800_000_000_000n, lock: 2, figures: [1n, 2n, 3n], free: [1n, 2n], pinned: [0n, 5n] };

/** The bytes as a file of that size: the end is what a sparse file has there. */
function sized(input: Buffer, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  input.copy(bytes, 0, 0, length);
  return bytes;
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function assertShippable(value: unknown): void {
  ok(isHarmless(value), JSON.stringify(value));
  for (const text of textsIn(value)) {
    assertNoOrders(text);
    ok(!text.includes("\n"));
  }
}

export const rings: FuzzTarget = {
  name: "rings",
  // Zeros at the end are the file's own: kept inputs are as short as they can be.
  seeds: () =>
    [
      ringBytes({ records: [RECORD, { ...RECORD, number: 2n }], tunables: Buffer.from("narenas:1\0"), allocator: 2 }),
      ringBytes({ answer: { lock: 2, outcome: 1, words: [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n] } }),
      failuresBytes([3n, 1_800_000_000_000n, 65_536n, 0n, 1n, 2n]),
    ].map((bytes) => bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1)),
  words: ["TIDEMARK", "\u001b[2J", "\u202e", "=", "\0", "\xff\xff\xff\xff\xff\xff\xff\xff"],
  run(input) {
    const first = sized(input, RING_BYTES);
    // The writer is at work: the second reading has a stretch that the first one had not.
    const again = Buffer.from(first);
    if (input.length > 16) input.copy(again, input.readUInt16LE(input.length - 2) % RING_BYTES, input.length - 16);
    const ring = parseRing(first, again);
    const failures = parseFailures(sized(input, FAILURES_BYTES));
    if (ring.ok) assertShippable(ring.value);
    if (failures.ok) assertShippable(failures.value);
    ok(!parseRing(input.length === RING_BYTES ? input.subarray(1) : input).ok, "a ring of another size is none");
    const problem = ring.ok ? "" : ring.error.replaceAll(/\d+/g, "#");
    return ring.ok
      ? `${ring.value.records.length} ${ring.value.header.allocator} ${ring.value.header.tunables !== null} ${ring.value.answer?.outcome}`
      : `${problem} ${failures.ok}`;
  },
};

export const perfData: FuzzTarget = {
  name: "perf-data",
  seeds: () => [
    ...readdirSync(new URL("../../fixtures/perf-data/", import.meta.url)).map((name) => fixtureBytes(`perf-data/${name}`)),
    goProgram(),
  ],
  words: [
    "sun.gc.generation.0.capacity",
    "sun.gc.collector.0.invocations",
    "java.property.java.version",
    ".go.buildinfo\0",
    "\x7fELF",
  ],
  run(input) {
    const figures = parsePerfData(input);
    if (figures.ok) {
      assertShippable(figures.value);
      deepEqual(parsePerfData(input), figures);
    }
    let readCount = 0;
    const build = goBuildOf((position, length) => {
      ok(++readCount <= 4 && length <= 65_536 && position >= 0, `read ${readCount}: ${length} bytes at ${position}`);
      return Buffer.from(input.subarray(position, position + length));
    });
    ok(build?.version == null || /^\d[\w.]{0,127}$/.test(build.version));
    return `${figures.ok ? `figures ${figures.value.usedAfterGcBytes === null} ${figures.value.version === null}` : figures.error.replaceAll(/\d+/g, "#")} ${build === null ? "no Go" : build.version !== null}`;
  },
};

/** Three sections: none, their names, and the linker's note. */
function goProgram(): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write("\x7fELF\x02\x01", 0, "latin1");
  bytes.writeBigUInt64LE(64n, 40);
  for (const [at, value] of [64, 3, 1].entries()) bytes.writeUInt16LE(value, 58 + at * 2);
  const section = (index: number, name: number, offset: bigint, size: bigint) => {
    bytes.writeUInt32LE(name, 64 + index * 64);
    bytes.writeBigUInt64LE(offset, 64 + index * 64 + 24);
    bytes.writeBigUInt64LE(size, 64 + index * 64 + 32);
  };
  section(1, 0, 256n, 32n);
  section(2, 1, 320n, 64n);
  bytes.write("\0.go.buildinfo\0", 256, "latin1");
  bytes.write("\xff Go buildinf:\x08\x02", 320, "latin1");
  bytes.write("\x08go1.26.8", 352, "latin1");
  return bytes;
}
