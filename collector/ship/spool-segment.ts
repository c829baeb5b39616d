// One file of the spool: made, opened without following links, and read record by record past whatever is damaged.
// Which record is in whose hands is spool.ts's.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { HEADER_BYTES, nextHeader, parseHeader, type RecordHeader } from "./spool-record.ts";

export interface Segment {
  readonly id: number;
  readonly path: string;
  bytes: number;
  /** Records not delivered, and their rows; those in the caller's hands count. */
  waitingCount: number;
  waitingRows: number;
  /** Where the next look begins: everything before is delivered or held. */
  cursor: number;
  /** In the caller's hands: rows by offset. */
  readonly held: Map<number, number>;
}

/** No file that we write is larger: a record in a file of its own, or records up to the largest segment. What is, is not ours. */
const FILE_BYTES_MAX = 16 * 1_024 * 1_024;
/** Search for the next header behind damage, by this much at a time. */
const SEARCH_BYTES = 256 * 1_024;

export function createSegment(id: number, path: string): { segment: Segment; file: number } {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  // Not O_APPEND: with it Linux would put the marks at the end as well. man 2 pwrite, BUGS.
  const file = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return { segment: emptySegment(id, path), file };
}

export const openSegment = (path: string): number =>
  openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);

const emptySegment = (id: number, path: string): Segment => ({
  id,
  path,
  bytes: 0,
  waitingCount: 0,
  waitingRows: 0,
  cursor: 0,
  held: new Map(),
});

/**
 * Counts what waits in a file of an earlier run, by its headers alone; a torn tail is cut off and counted. Null when it is
 * no file that we could have written: it is left where it is, and counts as damage.
 */
export function scanSegment(id: number, path: string): { segment: Segment | null; damaged: number } {
  let file: number;
  try {
    file = openSegment(path);
  } catch {
    return { segment: null, damaged: 1 };
  }
  try {
    const { size, uid, nlink, ...stats } = fstatSync(file);
    const isOurs = (stats.mode & constants.S_IFMT) === constants.S_IFREG && uid === process.geteuid?.() && nlink === 1;
    if (!isOurs || size > FILE_BYTES_MAX) return { segment: null, damaged: 1 };
    const segment = { ...emptySegment(id, path), bytes: size };
    let damaged = 0;
    for (let at = 0; at < size; ) {
      const found = nextRecord(file, at, size);
      if (found === null) {
        damaged++;
        ftruncateSync(file, at);
        segment.bytes = at;
        break;
      }
      if (found.offset > at) damaged++;
      if (!found.header.isDelivered) {
        segment.waitingCount++;
        segment.waitingRows += found.header.rowCount;
      }
      at = found.end;
    }
    return { segment, damaged };
  } finally {
    closeSync(file);
  }
}

export interface Found {
  readonly header: RecordHeader;
  readonly offset: number;
  /** Where the next record begins. */
  readonly end: number;
}

/** The first whole record at `at` or behind it; null when there is none up to `size`. */
export function nextRecord(file: number, at: number, size: number): Found | null {
  const here = foundAt(file, at, size);
  if (here !== null) return here;
  const buffer = Buffer.allocUnsafe(Math.min(SEARCH_BYTES, Math.max(0, size - at)));
  // Windows overlap by a header less a byte, so that none lies across a border unseen.
  for (let start = at + 1; start + HEADER_BYTES <= size; start += buffer.length - HEADER_BYTES + 1) {
    const window = buffer.subarray(0, readFully(file, buffer, start));
    for (let header = nextHeader(window, 0); header !== null; header = nextHeader(window, header + 1)) {
      const found = foundAt(file, start + header, size);
      if (found !== null) return found;
    }
    if (window.length < buffer.length || buffer.length < HEADER_BYTES) return null;
  }
  return null;
}

function foundAt(file: number, offset: number, size: number): Found | null {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  const header = parseHeader(bytes.subarray(0, readFully(file, bytes, offset)));
  if (header === null) return null;
  const end = offset + HEADER_BYTES + header.length;
  return end <= size ? { header, offset, end } : null;
}

export function readPayload(file: number, offset: number, { length }: RecordHeader): Uint8Array {
  const payload = Buffer.allocUnsafe(length);
  return payload.subarray(0, readFully(file, payload, offset + HEADER_BYTES));
}

function readFully(file: number, buffer: Buffer, position: number): number {
  let count = 0;
  while (count < buffer.length) {
    const read = readSync(file, buffer, count, buffer.length - count, position + count);
    if (read === 0) break;
    count += read;
  }
  return count;
}
