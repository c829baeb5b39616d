// The segments of the black box, oldest first: files while the disk takes them, memory while it does not, both bounded.
// What they hold is blocks.ts's; whose they are, and what is shipped of them, black-box.ts's.
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, unlinkSync, writeSync } from "node:fs";
import { describeFailure } from "../ship/advice.ts";
import type { OwnFolder } from "../ship/own-folder.ts";
import { createTrouble, type Log } from "../ship/trouble.ts";

export interface RingOptions {
  /** Throws when the folder cannot be used; asked again with later segments. Null: everything is in memory. */
  readonly openFolder: (() => OwnFolder) | null;
  readonly bytesMax: number;
  /** Time between looks. */
  tickMs(): number;
  readonly boot_id: string;
  /** Milliseconds since boot, by a clock that is never set. */
  upMs(): number;
  readonly log: Log;
}

export interface Ring {
  /** Begins a new segment if it is time. True when the current one is empty: then it knows no names yet. */
  turn(): boolean;
  /** One write to the page cache: it survives our death, not the host's. False: it was not taken, and a new segment has begun. */
  append(bytes: Buffer): boolean;
  /** The bytes of one segment after another, oldest first; each is overwritten by the next. */
  segments(): Iterable<Buffer>;
  /** Removes what is older than the history. */
  prune(): void;
  /** On the disk and in memory. */
  bytes(): number;
  /** Files that are not what we could have written, since it was opened. */
  strangeCount(): number;
  close(): void;
}

/** An hour at one look in 10 s. In looks, so that a compressed time scale keeps as many. */
export const HISTORY_LOOKS = 360;
/** A segment goes as a whole, and each names its processes anew. */
const SEGMENTS_IN_HISTORY = 8;
/** Where no disk takes it: an hour of 300 processes. */
const MEMORY_BYTES_MAX = 4 * 1_024 * 1_024;
/** Number, boot. */
const NAME = /^(\d{12})-(.{1,64})\.box$/;

interface Segment {
  /** Null: in memory. */
  readonly path: string | null;
  readonly chunks: Buffer[];
  readonly beganMs: number;
  bytes: number;
  lastMs: number;
}

export function openRing(options: RingOptions): Ring {
  const { bytesMax, upMs, log } = options;
  const trouble = createTrouble("black box", upMs, log);
  const segmentBytesMax = Math.floor(bytesMax / SEGMENTS_IN_HISTORY);
  const historyMs = () => options.tickMs() * HISTORY_LOOKS;
  const segments: Segment[] = [];
  let folder: OwnFolder | null = null;
  let current: { readonly segment: Segment; readonly file: number | null } | null = null;
  let lastId = 0;
  let strangeCount = 0;

  openFolder();

  function openFolder(): void {
    if (folder !== null || options.openFolder === null) return;
    folder = onDisk(options.openFolder);
    if (folder !== null) onDisk(adopt);
  }

  function onDisk<T>(use: () => T): T | null {
    try {
      return use();
    } catch (error) {
      const { kind, text, advice } = describeFailure(error);
      trouble.note(kind, { error: text, advice, now: "the last hour is kept in memory until the disk takes it again" });
      return null;
    }
  }

  /** What an earlier collector left. */
  function adopt(): void {
    let otherBootCount = 0;
    const found: Segment[] = [];
    for (const name of readdirSync(pathOf(".")).sort()) {
      const [, id, boot] = NAME.exec(name) ?? [];
      if (id === undefined) continue;
      lastId = Math.max(lastId, Number(id));
      // Everything died with an earlier boot, and its rows would need that one's id and sequence. A host that broke down has
      // lost its page cache besides, and with it the minutes that would be of interest.
      if (boot !== options.boot_id) {
        onDisk(() => unlinkSync(pathOf(name)));
        otherBootCount++;
        continue;
      }
      const bytes = sizeOf(pathOf(name));
      // As if written now: how old it is stands in its blocks, and it is bounded by the bytes anyway.
      if (bytes === null) strangeCount++;
      else found.push({ ...newSegment(pathOf(name)), bytes });
    }
    segments.unshift(...found);
    if (otherBootCount > 0) log("the black box of an earlier boot is discarded", { segments: otherBootCount });
  }

  function pathOf(name: string): string {
    return folder?.pathOf(name) ?? name;
  }

  function turn(): boolean {
    if (current !== null) {
      const { segment } = current;
      if (segment.bytes < segmentBytesMax && upMs() - segment.beganMs < historyMs() / SEGMENTS_IN_HISTORY)
        return segment.bytes === 0;
      release();
    }
    openFolder();
    const file = folder === null ? null : onDisk(newFile);
    current = file ?? { segment: newSegment(null), file: null };
    segments.push(current.segment);
    return true;
  }

  function newFile(): { readonly segment: Segment; readonly file: number } {
    const path = pathOf(`${String(++lastId).padStart(12, "0")}-${options.boot_id}.box`);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    return { segment: newSegment(path), file };
  }

  function newSegment(path: string | null): Segment {
    return { path, chunks: [], beganMs: upMs(), bytes: 0, lastMs: upMs() };
  }

  function append(bytes: Buffer): boolean {
    current ?? turn();
    if (current === null) return false;
    const { segment, file } = current;
    makeRoom(segment, bytes.length);
    if (file === null) segment.chunks.push(bytes);
    else if (onDisk(() => writeAll(file, bytes)) === null) {
      // A torn block is skipped by whoever reads; what comes next goes where it is taken.
      release();
      if (segment.bytes === 0) remove(segment);
      current = { segment: newSegment(null), file: null };
      segments.push(current.segment);
      return false;
    } else trouble.note(null);
    segment.bytes += bytes.length;
    segment.lastMs = upMs();
    return true;
  }

  /** The oldest go first, never the one that is written. */
  function makeRoom(segment: Segment, more: number): void {
    const isSame = ({ path }: Segment) => (path === null) === (segment.path === null);
    const most = segment.path === null ? Math.min(MEMORY_BYTES_MAX, bytesMax) : bytesMax;
    let total = segments.reduce((sum, one) => sum + (isSame(one) ? one.bytes : 0), more);
    for (const one of [...segments]) {
      if (total <= most || one === segment) return;
      if (!isSame(one)) continue;
      remove(one);
      total -= one.bytes;
    }
  }

  function remove(segment: Segment): void {
    segments.splice(segments.indexOf(segment), 1);
    const { path } = segment;
    if (path !== null) onDisk(() => unlinkIfThere(path));
  }

  function release(): void {
    const file = current?.file ?? null;
    current = null;
    if (file !== null) onDisk(() => closeSync(file));
  }

  function* read(): Iterable<Buffer> {
    const scratch = Buffer.allocUnsafe(Math.max(0, ...segments.map(({ path, bytes }) => (path === null ? 0 : bytes))));
    for (const { path, chunks, bytes } of [...segments]) {
      if (path === null) yield Buffer.concat(chunks);
      else yield scratch.subarray(0, onDisk(() => readInto(scratch.subarray(0, bytes), path)) ?? 0);
    }
  }

  return {
    turn,
    append,
    segments: read,
    prune() {
      const oldestMs = upMs() - historyMs();
      for (const segment of [...segments]) if (segment !== current?.segment && segment.lastMs < oldestMs) remove(segment);
    },
    bytes: () => segments.reduce((sum, { bytes }) => sum + bytes, 0),
    strangeCount: () => strangeCount,
    close() {
      release();
      onDisk(() => folder?.close());
      folder = null;
    },
  };

  /** Null when it is no file that we could have written: it is left where it is. */
  function sizeOf(path: string): number | null {
    let file: number;
    try {
      file = openForReading(path);
    } catch {
      return null;
    }
    try {
      const stats = fstatSync(file);
      const isOurs = stats.isFile() && stats.uid === process.geteuid?.() && stats.nlink === 1;
      return isOurs && stats.size <= bytesMax ? stats.size : null;
    } finally {
      closeSync(file);
    }
  }
}

const openForReading = (path: string): number =>
  openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);

/** How much there was. */
function readInto(bytes: Buffer, path: string): number {
  const file = openForReading(path);
  try {
    let count = 0;
    while (count < bytes.length) {
      const read = readSync(file, bytes, count, bytes.length - count, count);
      if (read === 0) break;
      count += read;
    }
    return count;
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Buffer): true {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  return true;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
