// Turns the heaps of a live process into fuzz inputs: sizes of chunks, arena headers and holes, and nothing that it stored.
// It leaves starting the processes to fuzz.test.ts, and the format to scene.c and README.md.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** Records of scene.c, in the order of its enum operation. */
const operation = { chunk: 0, map: 4, hole: 5, copy: 6, seek: 3, fence: 10, event: 11 } as const;
/** enum mapping_kind of scene.h. */
const mappingKind = { anonymous: 0, heap: 1, file: 3 } as const;

/** enum event_kind of scene.h. */
const toggle = 1;

const pageBytes = 4096;
const heapBytesMax = 64n << 20n;
/** Keeps an input small enough for the fuzzer to be quick; the rest of the heap becomes one live chunk. */
const chunksMax = 160;
const holesMax = 6;
/** More than maps.c reads at once: the line with this path must not take others with it. */
const pathBytes = 17000;
/** glibc 2.35 to 2.42; see native/walker/arena_layout.c. */
const layout = {
  heapInfoBytes: 0x30,
  stateBytes: 0x898,
  fastbins: 0x10,
  fastbinCount: 10,
  top: 0x60,
  next: 0x870,
  heldBytes: 0x888,
} as const;
/** tcache_perthread_struct of glibc 2.30 to 2.41, the first chunk of the first arena that a thread uses. */
const tcache = { chunkBytes: 0x290n, memoryBytes: 0x280, bins: 64, countBytes: 2 } as const;
const fastbinLengthMax = 16;
/** What libc_data.c reads of mp_, around sbrk_base. */
const parBytes = { before: 48, all: 80 } as const;

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly writable: boolean;
  readonly anonymous: boolean;
  readonly heap: boolean;
  readonly libc: boolean;
}

interface Process {
  readonly mappings: readonly Mapping[];
  readonly read: (address: bigint, bytes: number) => Buffer;
  readonly isResident: (address: bigint) => boolean;
}

/** One input for process_fuzz and chunks_fuzz. The process must stand still. */
export function captureScene(pid: number): Buffer {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const pagemap = openSync(`/proc/${pid}/pagemap`, "r");
  const readAt = (file: number, at: bigint, bytes: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    if (readSync(file, buffer, 0, bytes, at) !== bytes) throw new Error(`pid ${pid}: nothing to read at 0x${at.toString(16)}`);
    return buffer;
  };
  try {
    return sceneOf({
      mappings: parseMaps(readFileSync(`/proc/${pid}/maps`, "utf8")),
      read: (address, bytes) => readAt(memory, address, bytes),
      isResident: (address) => readAt(pagemap, (address / BigInt(pageBytes)) * 8n, 8).readBigUInt64LE() >> 63n === 1n,
    });
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
}

/** The same scene for chunks_fuzz, which shall walk mapping `index` as a thread's heap, an arena's first one or a later one. */
export function asThreadHeap(scene: Buffer, index: number, first: boolean): Buffer {
  const headerBytes = layout.heapInfoBytes + (first ? layout.stateBytes : 0);
  const options = Buffer.from([0, index, 0, 0, Math.ceil(headerBytes / 16), 0, 0, 0]);
  return Buffer.concat([options, scene.subarray(options.length)]);
}

/** The same scene at the moment when maps did not yet show the last page of its only thread arena. */
export function withOutgrownArena(scene: Buffer): Buffer {
  const changed = Buffer.from(scene);
  for (let at = 8; at + 16 <= changed.length; at += 8) {
    const isArenaMap = changed.readUInt8(at) === operation.map && changed.readBigUInt64LE(at + 8) % heapBytesMax === 0n;
    if (!isArenaMap || changed.readUInt32LE(at) >>> 8 !== mappingKind.anonymous) continue;
    changed.writeUInt32LE(changed.readUInt32LE(at + 4) - 1, at + 4);
    return changed;
  }
  throw new Error("the scene has no thread arena");
}

/** The same scene, but main_arena says, from the first step on, that it holds a page more or less than it does. */
export function withOtherHeldBytes(scene: Buffer): Buffer {
  for (let at = 8; at + 24 <= scene.length; at += 8) {
    const isSeek = scene.readUInt8(at) === operation.seek;
    const isState = scene.readUInt8(at + 16) === operation.copy && scene.readUInt32LE(at + 20) === layout.stateBytes;
    if (!isSeek || !isState) continue;
    const address = scene.readBigUInt64LE(at + 8) + BigInt(layout.heldBytes);
    return Buffer.concat([scene, seek(address), record(operation.event, toggle, 0, 0, BigInt(pageBytes))]);
  }
  return scene;
}

/** Inputs for text_fuzz: the texts of a live process, and requests about it. */
export function captureTexts(pid: number): readonly Buffer[] {
  const input = (kind: number, text: string) => Buffer.concat([Buffer.from([kind, 0]), Buffer.from(text)]);
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8").slice(0, 4000);
  const requests = `${pid} 100000\n${pid} 100000 2000\n0 1\n\n${pid}  7\n99999999999 1\n${"1".repeat(70)}\n`;
  return [
    input(0, maps),
    input(0, `1000-2000 r--p 00000000 08:01 7 /${"x".repeat(pathBytes)}\n${maps}`),
    input(1, readFileSync(`/proc/${pid}/stat`, "utf8")),
    input(2, requests),
  ];
}

function parseMaps(text: string): readonly Mapping[] {
  return Array.from(text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)$/gm), (line) => ({
    start: BigInt(`0x${line[1]}`),
    end: BigInt(`0x${line[2]}`),
    writable: line[3] === "rw-p",
    anonymous: line[4] === "0" && line[5] === "",
    heap: line[5] === "[heap]",
    libc: /\/libc(\.so\.6|-2\.\d+\.so)$/.test(line[5] ?? ""),
  }));
}

function sceneOf(process: Process): Buffer {
  const parts: Buffer[] = [Buffer.from([0, 0, 1, 0, 0, 0, 0, 1])]; // 4 KiB pages, first mapping, main arena, twice.
  const heap = process.mappings.find((mapping) => mapping.heap);
  if (heap !== undefined) {
    parts.push(map(heap.start, heap.end, mappingKind.heap));
    parts.push(
      ...chunks(process, { from: heap.start, end: heap.end, endsInTop: true }),
      ...holes(process, heap.start, heap.end),
    );
  }
  const heaps = arenaHeaps(process);
  for (const arenaHeap of heaps) parts.push(...arenaHeapRecords(process, arenaHeap));
  parts.push(...libcData(process, heap?.start ?? null, heaps), ...mmappedChunks(process));
  return Buffer.concat(parts);
}

interface ArenaHeap {
  readonly start: bigint;
  readonly end: bigint;
  readonly mappingEnd: bigint;
  readonly arena: bigint;
  readonly first: boolean;
}

/** The kernel merges neighbours, so one mapping may hold several heaps. */
function arenaHeaps(process: Process): readonly ArenaHeap[] {
  const found: ArenaHeap[] = [];
  for (const mapping of process.mappings.filter(({ writable, anonymous }) => writable && anonymous)) {
    const first = ((mapping.start + heapBytesMax - 1n) / heapBytesMax) * heapBytesMax;
    for (let start = first; start < mapping.end; start += heapBytesMax) {
      if (!process.isResident(start)) continue;
      const info = process.read(start, 32);
      const arena = info.readBigUInt64LE(0);
      const bytes = info.readBigUInt64LE(16);
      const mappingEnd = mapping.end < start + heapBytesMax ? mapping.end : start + heapBytesMax;
      if (arena % heapBytesMax !== BigInt(layout.heapInfoBytes) || bytes === 0n || bytes > mappingEnd - start) continue;
      found.push({ start, end: start + bytes, mappingEnd, arena, first: info.readBigUInt64LE(8) === 0n });
    }
  }
  return found;
}

function arenaHeapRecords(process: Process, heap: ArenaHeap): readonly Buffer[] {
  const headerBytes = layout.heapInfoBytes + (heap.first ? layout.stateBytes : 0);
  const state = process.read(heap.arena, layout.stateBytes);
  const top = state.readBigUInt64LE(layout.top);
  const from = ((heap.start + BigInt(headerBytes) + 15n) / 16n) * 16n;
  return [
    map(heap.start, heap.mappingEnd, mappingKind.anonymous),
    copy(process.read(heap.start, headerBytes)),
    seek(from),
    ...chunks(process, { from, end: heap.end, endsInTop: top >= heap.start && top < heap.end }),
    ...holes(process, heap.start, heap.end),
    ...(heap.first ? fastbins(process, state) : []),
  ];
}

/** main_arena and mp_, without anything else of libc's. */
function libcData(process: Process, brkStart: bigint | null, heaps: readonly ArenaHeap[]): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (const mapping of process.mappings.filter(({ libc, writable }) => libc && writable)) {
    parts.push(map(mapping.start, mapping.end, mappingKind.file));
    const data = process.read(mapping.start, Number(mapping.end - mapping.start));
    for (let offset = 0; offset + 8 <= data.length; offset += 8) {
      const word = data.readBigUInt64LE(offset);
      const at = mapping.start + BigInt(offset);
      const arena = at - BigInt(layout.next);
      const leadsToThreads = heaps.some((heap) => heap.arena === word) && arena >= mapping.start && isArena(process, arena);
      if ((word === arena && word >= mapping.start) || leadsToThreads) {
        const state = process.read(arena, layout.stateBytes);
        parts.push(seek(arena), copy(state), ...fastbins(process, state));
      }
      if (word !== brkStart || offset < parBytes.before || offset + parBytes.all > data.length) continue;
      parts.push(seek(at - BigInt(parBytes.before)), copy(process.read(at - BigInt(parBytes.before), parBytes.all)));
    }
  }
  return parts;
}

/** Most bins of an arena are empty and point to themselves; the last one nearly always. */
function isArena(process: Process, address: bigint): boolean {
  const lastBin = BigInt(layout.next - 32);
  return process.read(address + lastBin, 8).readBigUInt64LE() === address + lastBin - 16n;
}

/** The links of the fastbin lists, which lie in the first bytes of their chunks. */
function fastbins(process: Process, state: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let bin = 0; bin < layout.fastbinCount; bin++) {
    let chunk = state.readBigUInt64LE(layout.fastbins + 8 * bin);
    for (let length = 0; chunk !== 0n && length < fastbinLengthMax; length++) {
      const sizeAndLink = process.read(chunk + 8n, 16);
      parts.push(seek(chunk + 8n), copy(sizeAndLink));
      chunk = sizeAndLink.readBigUInt64LE(8) ^ ((chunk + 16n) >> 12n); // PROTECT_PTR, since glibc 2.32.
    }
  }
  return parts;
}

function mmappedChunks(process: Process): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (const mapping of process.mappings) {
    if (!mapping.writable || !mapping.anonymous || parts.length >= 8 || !process.isResident(mapping.start)) continue;
    const header = process.read(mapping.start, 16);
    if (header.readBigUInt64LE(0) !== 0n || header.readBigUInt64LE(8) % 16n !== 2n) continue;
    parts.push(map(mapping.start, mapping.end, mappingKind.anonymous), copy(header));
  }
  return parts;
}

interface Chunks {
  readonly from: bigint;
  readonly end: bigint;
  readonly endsInTop: boolean;
}

function chunks(process: Process, { from, end, endsInTop }: Chunks): readonly Buffer[] {
  const parts: Buffer[] = [];
  const last = endsInTop ? end : end - 32n; // Two fenceposts of 16 bytes.
  const sizeAt = (address: bigint) => process.read(address + 8n, 8).readBigUInt64LE();
  let at = from;
  let word = sizeAt(at);
  while (parts.length < chunksMax && at + (word & ~7n) < last) {
    const bytes = word & ~7n;
    if (bytes < 32n) throw new Error(`a chunk of ${bytes} bytes at 0x${at.toString(16)}`);
    const next = sizeAt(at + bytes);
    parts.push(record(operation.chunk, Number(1n - (next & 1n)), 0, Number(word)));
    at += bytes;
    word = next;
  }
  parts.push(record(operation.chunk, 0, 0, Number((last - at) | (word & 7n))));
  if (!endsInTop) parts.push(record(operation.fence, 0, 0, 1 | (1 << 3)));
  if ((sizeAt(from) & ~7n) === tcache.chunkBytes) parts.push(...tcacheRecords(process, from + 16n));
  return parts;
}

/** The cache and, for each of its lists, the header of the first chunk. */
function tcacheRecords(process: Process, address: bigint): readonly Buffer[] {
  const memory = process.read(address, tcache.memoryBytes);
  const parts = [seek(address), copy(memory)];
  for (let bin = 0; bin < tcache.bins; bin++) {
    const entry = memory.readBigUInt64LE(tcache.bins * tcache.countBytes + 8 * bin);
    if (entry !== 0n) parts.push(seek(entry - 8n), copy(process.read(entry - 8n, 8)));
  }
  return parts;
}

function holes(process: Process, start: bigint, end: bigint): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let page = start; page < end && parts.length < 2 * holesMax; page += BigInt(pageBytes)) {
    let pages = 0;
    while (pages < 256 && page < end && !process.isResident(page)) {
      pages++;
      page += BigInt(pageBytes);
    }
    if (pages === 0) continue;
    parts.push(seek(page - BigInt(pages * pageBytes)), record(operation.hole, 0, 0, pages - 1));
  }
  return parts;
}

const map = (start: bigint, end: bigint, kind: number): Buffer =>
  record(operation.map, kind, 0, Number((end - start) / BigInt(pageBytes)) - 1, start);

const seek = (address: bigint): Buffer => record(operation.seek, 0, 0, 0, address);

function copy(bytes: Buffer): Buffer {
  return Buffer.concat([record(operation.copy, 0, 0, bytes.length), bytes]);
}

/** struct record of scene.c, and the eight bytes behind it that some operations take. */
function record(code: number, small: number, medium: number, large: number, wide?: bigint): Buffer {
  const buffer = Buffer.alloc(wide === undefined ? 8 : 16);
  buffer.writeUInt8(code, 0);
  buffer.writeUInt8(small, 1);
  buffer.writeInt16LE(medium, 2);
  buffer.writeUInt32LE(large, 4);
  if (wide !== undefined) buffer.writeBigUInt64LE(wide, 8);
  return buffer;
}
