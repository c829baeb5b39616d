// The blocks of the black box: the looks of one tick, the names of those looked at, and whose rows are in the outbox.
// A block is a record of ship/spool-record.ts, found again behind damage; segments and their order are ring.ts's.
import { HEADER_BYTES, isIntact, nextHeader, parseHeader, recordBytes } from "../ship/spool-record.ts";

/** Pid and start time: the two that no other process of one boot has together. */
export interface ProcessId {
  readonly pid: number;
  readonly startTicks: number;
}

/** One look at one process. */
export interface Entry extends ProcessId {
  readonly rss_bytes: number;
  readonly shared_bytes: number;
  readonly virtual_bytes: number;
  readonly major_fault_count: number | null;
  readonly thread_count: number | null;
}

/** What its rows are to say of a process that may be gone when they are made. */
export interface Named extends ProcessId {
  readonly process_key: string;
  readonly service: string;
  readonly comm: string | null;
}

/** When a look was: by the clock that people set, and by the one that runs from boot on. */
export interface Moment {
  readonly atMs: number;
  readonly upMs: number;
}

/** The looks of one tick, read one field at a time: of a hundred thousand only those of few processes are wanted. */
export interface Looks extends Moment {
  readonly count: number;
  pidAt(index: number): number;
  entryAt(index: number): Entry;
}

export interface BlockVisitor {
  looks(looks: Looks): void;
  names?(names: readonly Named[]): void;
  shipped?(processes: readonly ProcessId[]): void;
}

/** First byte of a block. Another layout of any of them takes another number, and is skipped as damage by this one. */
const [LOOKS, NAMES, SHIPPED] = [1, 2, 3];
/** Kind, a spare byte, atMs, upMs. */
const LOOKS_HEADER_BYTES = 14;
/** pid and threads in 4 bytes each, then five words of 6 bytes: start ticks, resident, shared and virtual units, major faults. */
export const ENTRY_BYTES = 38;
/** Memory is counted in the smallest page there is: 48 bits of these hold any address space (57 bits on x86-64). */
const UNIT_BYTES = 4_096;
const WORD_BYTES = 6;
/** The largest value stands for none, as TIDEMARK_ABSENT does in the files of the shim. */
const [ABSENT_WORD, ABSENT_HALF] = [2 ** 48 - 1, 2 ** 32 - 1];
/** What one damaged byte may cost. */
const ENTRIES_IN_BLOCK_MAX = 1_000;
const NAMES_IN_BLOCK_MAX = 200;

/** The blocks of one tick's looks. */
export const looksBlocks = (moment: Moment, entries: readonly Entry[]): readonly Buffer[] =>
  inParts(entries, ENTRIES_IN_BLOCK_MAX).map((part) => {
    const bytes = Buffer.allocUnsafe(LOOKS_HEADER_BYTES + part.length * ENTRY_BYTES);
    bytes.writeUInt16LE(LOOKS, 0);
    putWord(bytes, moment.atMs, 2);
    putWord(bytes, moment.upMs, 8);
    part.forEach((entry, index) => {
      putEntry(bytes, entry, LOOKS_HEADER_BYTES + index * ENTRY_BYTES);
    });
    return recordBytes(bytes, part.length);
  });

export const namesBlocks = (names: readonly Named[]): readonly Buffer[] =>
  inParts(names, NAMES_IN_BLOCK_MAX).map((part) =>
    textBlock(
      NAMES,
      part.map(({ pid, startTicks, process_key, service, comm }) => [pid, startTicks, process_key, service, comm]),
    ),
  );

export const shippedBlocks = (processes: readonly ProcessId[]): readonly Buffer[] =>
  inParts(processes, NAMES_IN_BLOCK_MAX).map((part) =>
    textBlock(
      SHIPPED,
      part.map(({ pid, startTicks }) => [pid, startTicks]),
    ),
  );

/** Shows every whole block of a segment to the visitor, in order; how many stretches were damaged or not understood. */
export function visitBlocks(bytes: Buffer, visitor: BlockVisitor): number {
  let damaged = 0;
  for (let at = 0; at < bytes.length; ) {
    const header = parseHeader(bytes.subarray(at, at + HEADER_BYTES));
    const end = at + HEADER_BYTES + (header?.length ?? 0);
    if (header === null || end > bytes.length) {
      damaged++;
      const next = nextHeader(bytes, at + 1);
      if (next === null) return damaged;
      at = next;
      continue;
    }
    const payload = bytes.subarray(at + HEADER_BYTES, end);
    if (!isIntact(header, payload) || !visitBlock(payload, visitor)) damaged++;
    at = end;
  }
  return damaged;
}

/** Whether the block could be understood. */
function visitBlock(payload: Buffer, visitor: BlockVisitor): boolean {
  switch (payload[0]) {
    case LOOKS: {
      const looks = looksOf(payload);
      if (looks !== null) visitor.looks(looks);
      return looks !== null;
    }
    case NAMES: {
      const names = rowsOf(payload, namedOf);
      if (names !== null) visitor.names?.(names);
      return names !== null;
    }
    case SHIPPED: {
      const processes = rowsOf(payload, idOf);
      if (processes !== null) visitor.shipped?.(processes);
      return processes !== null;
    }
    default:
      return false;
  }
}

function looksOf(payload: Buffer): Looks | null {
  const count = (payload.length - LOOKS_HEADER_BYTES) / ENTRY_BYTES;
  if (!Number.isInteger(count) || count < 0) return null;
  const offsetOf = (index: number) => LOOKS_HEADER_BYTES + index * ENTRY_BYTES;
  return {
    atMs: payload.readUIntLE(2, WORD_BYTES),
    upMs: payload.readUIntLE(8, WORD_BYTES),
    count,
    pidAt: (index) => payload.readUInt32LE(offsetOf(index)),
    entryAt: (index) => entryOf(payload, offsetOf(index)),
  };
}

function putEntry(bytes: Buffer, entry: Entry, at: number): void {
  bytes.writeUInt32LE(Math.min(entry.pid, ABSENT_HALF), at);
  bytes.writeUInt32LE(Math.min(entry.thread_count ?? ABSENT_HALF, ABSENT_HALF), at + 4);
  putWord(bytes, entry.startTicks, at + 8);
  putWord(bytes, entry.rss_bytes / UNIT_BYTES, at + 14);
  putWord(bytes, entry.shared_bytes / UNIT_BYTES, at + 20);
  putWord(bytes, entry.virtual_bytes / UNIT_BYTES, at + 26);
  putWord(bytes, entry.major_fault_count ?? ABSENT_WORD, at + 32);
}

function entryOf(bytes: Buffer, at: number): Entry {
  const [thread_count, major_fault_count] = [bytes.readUInt32LE(at + 4), bytes.readUIntLE(at + 32, WORD_BYTES)];
  return {
    pid: bytes.readUInt32LE(at),
    startTicks: bytes.readUIntLE(at + 8, WORD_BYTES),
    rss_bytes: bytes.readUIntLE(at + 14, WORD_BYTES) * UNIT_BYTES,
    shared_bytes: bytes.readUIntLE(at + 20, WORD_BYTES) * UNIT_BYTES,
    virtual_bytes: bytes.readUIntLE(at + 26, WORD_BYTES) * UNIT_BYTES,
    major_fault_count: major_fault_count === ABSENT_WORD ? null : major_fault_count,
    thread_count: thread_count === ABSENT_HALF ? null : thread_count,
  };
}

/** Never throws: a figure beyond the word is as good as none. */
const putWord = (bytes: Buffer, value: number, at: number) =>
  bytes.writeUIntLE(Math.min(Math.max(0, Math.round(value)), ABSENT_WORD), at, WORD_BYTES);

const textBlock = (kind: number, rows: readonly (readonly unknown[])[]): Buffer =>
  recordBytes(Buffer.concat([Buffer.from([kind]), Buffer.from(JSON.stringify(rows))]), rows.length);

/** Null when any of the rows is not what we would have written. */
function rowsOf<T>(payload: Buffer, parse: (row: readonly unknown[]) => T | null): readonly T[] | null {
  let rows: unknown;
  try {
    rows = JSON.parse(payload.toString("utf8", 1));
  } catch {
    return null;
  }
  if (!Array.isArray(rows)) return null;
  const parsed = rows.map((row: unknown) => (Array.isArray(row) ? parse(row) : null));
  return parsed.every((row) => row !== null) ? parsed : null;
}

function idOf([pid, startTicks]: readonly unknown[]): ProcessId | null {
  return isCount(pid) && isCount(startTicks) ? { pid, startTicks } : null;
}

function namedOf(row: readonly unknown[]): Named | null {
  const [, , process_key, service, comm] = row;
  const id = idOf(row);
  const isNamed = typeof process_key === "string" && typeof service === "string" && (comm === null || typeof comm === "string");
  return id !== null && isNamed ? { ...id, process_key, service, comm } : null;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function inParts<T>(items: readonly T[], countMax: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / countMax) }, (_, part) =>
    items.slice(part * countMax, (part + 1) * countMax),
  );
}
