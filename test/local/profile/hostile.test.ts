// Proves that a process cannot make us believe, read or allocate what it likes: forged tables of samples, and broken ELF files.
// It leaves true ones to test/native/profile.test.ts.
import { deepEqual, equal, ok } from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readElf } from "../../../local/profile/elf.ts";
import { parseMappings } from "../../../local/profile/mappings.ts";
import type { ProcessMemory } from "../../../local/profile/process-memory.ts";
import { readWrapper } from "../../../local/profile/wrapper.ts";

const folder = mkdtempSync(join(tmpdir(), "tidemark-elf-"));
after(() => rmSync(folder, { recursive: true }));

const DATA = 0x7f00_0000_0000;
const [SLOTS, STACKS] = [0x7f00_0010_0000, 0x7f00_0020_0000];
const mappings = parseMappings(
  `${DATA.toString(16)}-${(DATA + 4096).toString(16)} rw-p 00006000 fe:00 7 /x/libtidemark-profile.so`,
);

interface Forged {
  readonly slotCount?: number;
  readonly stackCount?: number;
  readonly self?: number;
  readonly state?: number;
  readonly version?: number;
}

function memoryOf({ slotCount = 4, stackCount = 2, self = DATA + 64, state = 1, version = 1 }: Forged): ProcessMemory {
  const data = Buffer.alloc(4096);
  data.write("TIDEMARK-PROFIL\0", 64, "latin1");
  data.writeBigUInt64LE(BigInt(self), 64 + 16);
  data.writeUInt32LE(version, 64 + 24);
  data.writeUInt32LE(state, 64 + 28);
  for (const [at, word] of [
    [32, 4096],
    [40, SLOTS],
    [48, STACKS],
    [64, stackCount],
    [72, 3],
    [80, 0],
  ] as const)
    data.writeBigUInt64LE(BigInt(word), 64 + at);
  data.writeUInt32LE(slotCount, 64 + 56);
  const slots = Buffer.alloc(4 * 24);
  const stack = (index: number) => BigInt(index) << 48n;
  for (const [at, [address, bytes, birth]] of (
    [
      [0x1000n, 100n | stack(1), 1n],
      [1n, 0n, 0n], // Being filled.
      [0x2000n, 50n | stack(60_000), 2n], // No such stack.
      [0n, 0n, 0n],
    ] as const
  ).entries()) {
    slots.writeBigUInt64LE(address, at * 24);
    slots.writeBigUInt64LE(bytes, at * 24 + 8);
    slots.writeBigUInt64LE(birth, at * 24 + 16);
  }
  const stacks = Buffer.alloc(2 * 512);
  stacks.writeUInt32LE(4_000_000_000, 512); // A depth that cannot be.
  stacks.writeBigUInt64LE(0x4000n, 512 + 8);
  stacks.writeBigUInt64LE(2n ** 64n - 1n, 512 + 16);
  const areas = [
    [DATA, data],
    [SLOTS, slots],
    [STACKS, stacks],
  ] as const;
  return {
    read(address, length) {
      ok(length <= 64 * 1_024 * 1_024, `${length} bytes were asked for`);
      const area = areas.find(([start, bytes]) => address >= start && address + length <= start + bytes.length);
      return area === undefined ? null : Buffer.from(area[1].subarray(address - area[0], address - area[0] + length));
    },
    close: () => undefined,
  };
}

test("a table as it should be: slots in use, their stacks, and nothing that cannot be a frame", () => {
  const read = readWrapper(memoryOf({}), mappings);
  ok(read.ok);
  deepEqual(read.value.samples, [
    { frames: [0x4000], count: 1, bytes: 100, birth: 1 },
    { frames: [], count: 1, bytes: 50, birth: 2 },
  ]);
});

test("a table that is not where it says, or larger than any of ours, or of another version, is refused", () => {
  for (const forged of [
    { self: DATA },
    { version: 2 },
    { state: 99 },
    { slotCount: 2 ** 31 },
    { stackCount: 2 ** 40 },
    { stackCount: 0 },
    { slotCount: 1_000 }, // More than is mapped.
  ])
    equal(readWrapper(memoryOf(forged), mappings).ok, false, JSON.stringify(forged));
  equal(readWrapper(memoryOf({}), []).ok, false);
});

function elfOf(bytes: Buffer): ReturnType<typeof readElf> {
  const path = join(folder, "file");
  writeFileSync(path, bytes);
  const descriptor = openSync(path, "r");
  try {
    const elf = readElf(descriptor);
    elf?.addressOf(4096);
    elf?.functionAt(4096);
    return elf;
  } finally {
    closeSync(descriptor);
  }
}

test("no file, cut or changed in any of its headers, does more than have no names", () => {
  const whole = readFileSync("/proc/self/exe").subarray(0, 1 << 20);
  ok(elfOf(whole) !== null);
  equal(elfOf(Buffer.alloc(0)), null);
  equal(elfOf(Buffer.from("#!/bin/sh\n")), null);
  for (let cut = 1; cut < 64; cut += 3) elfOf(whole.subarray(0, cut));
  for (let at = 16; at < 64 + 56 * 8; at++) {
    const broken = Buffer.from(whole.subarray(0, 8_192));
    broken[at] = 0xff;
    elfOf(broken);
  }
});
