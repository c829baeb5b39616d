// The spool: records wait on the disk until they are delivered, in files that survive kill -9 and a power cut.
// What a record's bytes are is spool-record.ts's; whether the folder may be used, spool-folder.ts's.
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, readdirSync, unlinkSync, writeSync } from "node:fs";
import { openSpoolFolder } from "./spool-folder.ts";
import { deliveredMark, isIntact, recordBytes, STATE_OFFSET } from "./spool-record.ts";
import { createSegment, nextRecord, openSegment, readPayload, type Segment, scanSegment } from "./spool-segment.ts";

/** Where a record lies. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly rowCount: number;
}

export interface SpooledRecord extends Place {
  readonly bytes: Uint8Array;
}

export interface SpoolState {
  /** Of its files on the disk. */
  readonly bytes: number;
  /** Rows not yet marked as delivered, also those in the hands of the caller. */
  readonly rowCount: number;
}

/** Every call may throw what the file system says; what was promised before stays. */
export interface Spool {
  /** On the disk, by fdatasync, when it returns. The caller holds the record: it says done or giveBack. */
  append(bytes: Uint8Array, rowCount: number): Place;
  /** The oldest records in nobody's hands, at most this many bytes; at least one when `orOne`. The caller holds them. */
  take(bytesMax: number, orOne: boolean): readonly SpooledRecord[];
  /** Delivered: never given again, unless the disk loses the mark. */
  done(places: readonly Place[]): void;
  giveBack(places: readonly Place[]): void;
  state(): SpoolState;
  /** Rows that the bound has cost since the last call. */
  takeDroppedRowCount(): number;
  /** Records found damaged or torn since the last call. */
  takeDamagedCount(): number;
  close(): void;
}

/** A file is removed once all of it is delivered: smaller ones give room back sooner, larger ones are fewer names. */
const SEGMENT_BYTES_MAX = 4 * 1_024 * 1_024;
const SEGMENTS_IN_BOUND = 16;
/** The file in use is given up when it is all delivered and this large: a healthy collector keeps a small spool. */
const SPENT_BYTES_MIN = 256 * 1_024;
const NAME = /^(\d{12})\.spool$/;

export function openSpool(options: { readonly folder: string; readonly bytesMax: number }): Spool {
  const folder = openSpoolFolder(options.folder);
  const segmentBytesMax = Math.min(SEGMENT_BYTES_MAX, Math.floor(options.bytesMax / SEGMENTS_IN_BOUND));
  const segments: Segment[] = [];
  let current: { readonly segment: Segment; readonly file: number } | null = null;
  let lastId = 0;
  let droppedRowCount = 0;
  let damagedCount = 0;

  for (const [id, name] of segmentNames(folder.pathOf("."))) {
    lastId = id;
    const { segment, damaged } = scanSegment(id, folder.pathOf(name));
    damagedCount += damaged;
    if (segment === null) continue;
    if (segment.waitingCount === 0) unlinkSync(segment.path);
    else segments.push(segment);
  }

  const bytesOf = () => segments.reduce((sum, { bytes }) => sum + bytes, 0);

  function append(bytes: Uint8Array, rowCount: number): Place {
    const record = recordBytes(bytes, rowCount);
    if (record.length > options.bytesMax)
      throw new Error(`a record of ${record.length} bytes, the spool's bound is ${options.bytesMax}`);
    if (current !== null && current.segment.bytes > 0 && current.segment.bytes + record.length > segmentBytesMax)
      closeCurrent();
    for (let total = bytesOf(); total + record.length > options.bytesMax && segments.length > 0; total = bytesOf())
      dropOldest();
    current ??= newSegment();
    const { segment, file } = current;
    const offset = segment.bytes;
    try {
      for (let at = 0; at < record.length; ) at += writeSync(file, record, at, record.length - at, offset + at);
      fdatasyncSync(file);
    } catch (error) {
      cutOff(file, offset);
      throw error;
    }
    segment.bytes += record.length;
    segment.waitingCount++;
    segment.waitingRows += rowCount;
    segment.held.set(offset, rowCount);
    return { segment: segment.id, offset, rowCount };
  }

  /** What a full disk left of the record. If not even that works, reading finds it torn and goes on behind it. */
  function cutOff(file: number, length: number): void {
    try {
      ftruncateSync(file, length);
    } catch {
      closeCurrent();
    }
  }

  function newSegment(): { segment: Segment; file: number } {
    const id = ++lastId;
    const made = createSegment(id, folder.pathOf(nameOf(id)));
    segments.push(made.segment);
    // The name itself must survive a power cut. man 2 fsync.
    fsyncSync(folder.file);
    return made;
  }

  function closeCurrent(): void {
    if (current === null) return;
    const { segment, file } = current;
    current = null;
    closeSync(file);
    if (segment.waitingCount === 0) remove(segment);
  }

  function dropOldest(): void {
    const oldest = segments[0];
    if (oldest === undefined) return;
    // What the caller holds may yet be delivered; it is counted when it comes back and finds its file gone.
    const heldRows = [...oldest.held.values()].reduce((sum, rows) => sum + rows, 0);
    droppedRowCount += oldest.waitingRows - heldRows;
    oldest.waitingCount = 0;
    if (current?.segment === oldest) closeCurrent();
    else remove(oldest);
  }

  function remove(segment: Segment): void {
    segments.splice(segments.indexOf(segment), 1);
    try {
      unlinkSync(segment.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  function take(bytesMax: number, orOne: boolean): readonly SpooledRecord[] {
    const taken: SpooledRecord[] = [];
    let bytes = 0;
    for (const segment of [...segments]) {
      if (segment.waitingCount <= segment.held.size) continue;
      const file = openQuietly(segment);
      if (file === null) continue;
      try {
        for (let at = segment.cursor; ; ) {
          const found = orNull(() => nextRecord(file, at, segment.bytes));
          // Whatever is left of a file that cannot be read to its end counts for nothing any more.
          if (found === null) {
            settleUnreadable(segment);
            break;
          }
          const { header, offset, end } = found;
          if (!header.isDelivered && !segment.held.has(offset)) {
            const isFirst = taken.length === 0 && orOne;
            if (bytes + header.length > bytesMax && !isFirst) return taken;
            const payload = orNull(() => readPayload(file, offset, header));
            if (payload !== null && isIntact(header, payload)) {
              segment.held.set(offset, header.rowCount);
              taken.push({ segment: segment.id, offset, rowCount: header.rowCount, bytes: payload });
              bytes += payload.length;
            } else {
              damagedCount++;
              droppedRowCount += header.rowCount;
              settle(segment, header.rowCount);
            }
          }
          at = end;
          segment.cursor = end;
          if (end >= segment.bytes) break;
        }
      } finally {
        closeSync(file);
      }
      forgetWhenEmpty(segment);
    }
    return taken;
  }

  /** Null when somebody removed the file or put another thing in its place. */
  function openQuietly(segment: Segment): number | null {
    try {
      return openSegment(segment.path);
    } catch (error) {
      if (!["ENOENT", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      settleUnreadable(segment);
      forgetWhenEmpty(segment);
      return null;
    }
  }

  /** Rows that were there when the file was scanned and can no longer be reached. */
  function settleUnreadable(segment: Segment): void {
    const heldRows = [...segment.held.values()].reduce((sum, rows) => sum + rows, 0);
    damagedCount += segment.waitingCount - segment.held.size;
    droppedRowCount += segment.waitingRows - heldRows;
    segment.waitingCount = segment.held.size;
    segment.waitingRows = heldRows;
    segment.cursor = segment.bytes;
  }

  function settle(segment: Segment, rowCount: number): void {
    segment.waitingCount--;
    segment.waitingRows -= rowCount;
  }

  function forgetWhenEmpty(segment: Segment): void {
    if (segment.waitingCount > 0 || !segments.includes(segment)) return;
    if (current?.segment !== segment) remove(segment);
    else if (segment.bytes >= SPENT_BYTES_MIN) closeCurrent();
  }

  function forEachHeld(places: readonly Place[], visit: (segment: Segment, place: Place) => void): readonly Place[] {
    const gone: Place[] = [];
    for (const place of places) {
      const segment = segments.find(({ id }) => id === place.segment);
      if (segment?.held.delete(place.offset)) visit(segment, place);
      else gone.push(place);
    }
    return gone;
  }

  function done(places: readonly Place[]): void {
    const mark = deliveredMark();
    let failure: unknown = null;
    forEachHeld(places, (segment, { offset, rowCount }) => {
      settle(segment, rowCount);
      try {
        // Not synced: kill -9 leaves it to the kernel; a power cut costs a repetition, which the base view removes.
        if (segment.waitingCount > 0 || current?.segment === segment) overwrite(segment.path, mark, offset + STATE_OFFSET);
        forgetWhenEmpty(segment);
      } catch (error) {
        failure ??= error;
      }
    });
    if (failure !== null) throw failure;
  }

  function giveBack(places: readonly Place[]): void {
    const gone = forEachHeld(places, (segment, { offset }) => {
      segment.cursor = Math.min(segment.cursor, offset);
    });
    droppedRowCount += gone.reduce((sum, { rowCount }) => sum + rowCount, 0);
  }

  return {
    append,
    take,
    done,
    giveBack,
    state: () => ({ bytes: bytesOf(), rowCount: segments.reduce((sum, { waitingRows }) => sum + waitingRows, 0) }),
    takeDroppedRowCount() {
      const count = droppedRowCount;
      droppedRowCount = 0;
      return count;
    },
    takeDamagedCount() {
      const count = damagedCount;
      damagedCount = 0;
      return count;
    },
    close() {
      closeCurrent();
      folder.close();
    },
  };
}

function overwrite(path: string, bytes: Uint8Array, position: number): void {
  const file = openSegment(path);
  try {
    writeSync(file, bytes, 0, bytes.length, position);
  } finally {
    closeSync(file);
  }
}

/** Null when the disk cannot give it back: that costs what lies there, not the collector. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EIO") return null;
    throw error;
  }
}

const nameOf = (id: number): string => `${String(id).padStart(12, "0")}.spool`;

/** Oldest first. Other names in the folder are not ours to judge. */
const segmentNames = (path: string): readonly (readonly [number, string])[] =>
  readdirSync(path)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => [Number.parseInt(name, 10), name] as const);
