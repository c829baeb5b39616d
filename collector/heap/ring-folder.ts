// The folder that the shim's files lie in: made once, and swept of those whose process has ended, after a last reading.
// Whoever runs a program may put files there, so nothing in it is trusted. Which process is watched how is watch/'s.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  realpathSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { FAILURES_BYTES, type Failures, parseFailures } from "./failures.ts";
import { parseRing, RING_BYTES, type Ring } from "./ring.ts";
import { readBytes } from "./ring-file.ts";

/** As a letter box: whoever runs a program may put a file in, nobody but the owner may list them. */
const FOLDER_MODE = 0o1733;
const NAME = /^\d{1,10}-[0-9a-f]{1,16}\.(ring|failures)$/;
/** Names looked at in one sweep. A service that starts a thousand programs a minute leaves as many files; the rest is the next one's. */
const NAMES_MAX = 4_096;
/** Names passed over to come to the rest, at less than a microsecond each; whoever puts more there hides what lies behind them. */
const PASSED_MAX = 131_072;
/** Files read in one sweep: some 20 us each. */
const READ_MAX = 1_024;
/** Beyond this the oldest of the dead are removed unread: /run is memory. */
export const FOLDER_BYTES_MAX = 32 * 1_024 * 1_024;
/** A file this young may belong to a process that has not mapped it yet. */
const GRACE_MS = 60_000;
/** When its process may be one that could not be asked, a file is kept for this long after its last change. */
const UNSURE_AGE_MS_MAX = 86_400_000;
/** A record this many intervals young has a writer, whatever else is said. */
const ALIVE_INTERVALS = 3;

/** Makes the folder if it may; whether it is there afterwards, and safe. A service manager may have made it instead. */
export function prepareRingFolder(folder: string): boolean {
  if (process.geteuid?.() === 0) {
    // One level at a time: Node's recursive mkdirSync never ends below /proc, where mkdir fails with ENOENT (Node 24).
    makeFolder(dirname(folder), 0o755);
    makeFolder(folder, FOLDER_MODE);
  }
  return isFolder(folder);
}

function makeFolder(folder: string, mode: number): void {
  // Or it would take the others' leave to write. A chmod afterwards could hit what somebody has put in its place.
  const umask = process.umask(0);
  try {
    mkdirSync(folder, { mode });
  } catch {
    // It is there already, or the place is read-only: the shim then stays silent, and so do we.
  } finally {
    process.umask(umask);
  }
}

/** What every process of this host has mapped. */
export interface MappedFiles {
  /** Names and inode numbers of rings. */
  readonly names: ReadonlySet<string>;
  readonly inodes: ReadonlySet<string>;
  /** Of those that could not be asked, their pids as they see them themselves; null when there may be some that were not even seen. */
  readonly unaskedPids: ReadonlySet<number> | null;
}

/** What a process that has ended leaves behind. */
export type DeadRing = { readonly name: string } & (
  | { readonly kind: "ring"; readonly ring: Ring }
  | { readonly kind: "failures"; readonly failures: Failures }
);

export interface Sweep {
  /** Oldest first. */
  readonly dead: readonly DeadRing[];
  readonly removedCount: number;
  /** Of the files that were seen and are left. */
  readonly bytes: number;
  /** There is more to sweep. */
  readonly isPartial: boolean;
  /** Names that the next sweep should pass over: what is not removed must not hide the rest for good. */
  readonly nextPassed: number;
}

export interface SweepEdge {
  nowMs(): number;
  /** Asked only when there is a file that could be dead, and after the files were listed. */
  mappedFiles(): MappedFiles;
}

/** `passed`: nextPassed of the last sweep. */
export function sweepRings(folder: string, edge: SweepEdge, passed = 0): Sweep {
  const { files, isCut } = isFolder(folder) ? listRings(folder, passed) : nothing;
  const nowMs = edge.nowMs();
  const old = files.filter(({ changedMs }) => nowMs - changedMs > GRACE_MS);
  const mapped = old.length === 0 ? null : edge.mappedFiles();
  const unmapped = mapped === null ? [] : old.filter((file) => mayBeDead(file, mapped, nowMs)).sort(oldestFirst);
  const [unread, read] = overflow(files, unmapped);
  const dead: DeadRing[] = [];
  let removed = unread.filter((file) => remove(file));
  for (const file of read.slice(0, READ_MAX)) {
    const last = lastReading(file);
    if (last?.kind === "ring" && isWritten(last.ring, nowMs)) continue;
    if (last !== null) dead.push(last);
    if (remove(file)) removed = [...removed, file];
  }
  const isPartial = isCut || read.length > READ_MAX;
  const next = passed + NAMES_MAX - removed.length;
  const nextPassed = isCut && next < PASSED_MAX ? next : 0;
  return { dead, removedCount: removed.length, bytes: sumOfBytes(files) - sumOfBytes(removed), isPartial, nextPassed };
}

interface RingFile {
  readonly path: string;
  readonly name: string;
  readonly kind: "ring" | "failures";
  readonly inode: string;
  readonly bytes: number;
  readonly changedMs: number;
}

function isFolder(folder: string): boolean {
  try {
    const stats = lstatSync(folder);
    if (!stats.isDirectory() || !isOurs(stats)) return false;
    for (let above = realpathSync(dirname(folder)); ; above = dirname(above)) {
      if (!isSteady(lstatSync(above))) return false;
      if (above === dirname(above)) return true;
    }
  } catch {
    return false;
  }
}

const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.();

/** Whether nobody else can rename what lies in it between two looks: others may write there only under the sticky bit. man 7 inode. */
const isSteady = (stats: Stats): boolean => isOurs(stats) && ((stats.mode & 0o022) === 0 || (stats.mode & 0o1000) !== 0);

interface Listing {
  readonly files: readonly RingFile[];
  /** There are more names than were looked at. */
  readonly isCut: boolean;
}
const nothing: Listing = { files: [], isCut: false };

/** Files of the right name, kind, size and mode; everything else is not ours to touch. */
function listRings(folder: string, passed: number): Listing {
  const files: RingFile[] = [];
  let directory: ReturnType<typeof opendirSync>;
  try {
    directory = opendirSync(folder);
  } catch {
    return nothing;
  }
  try {
    for (let seen = 0; seen < passed + NAMES_MAX; seen++) {
      const entry = directory.readSync();
      if (entry === null) return { files, isCut: false };
      const file = seen < passed ? null : ringFile(folder, entry.name);
      if (file !== null) files.push(file);
    }
    return { files, isCut: true };
  } catch {
    return { files, isCut: false }; // What was listed so far is enough for this time.
  } finally {
    directory.closeSync();
  }
}

function ringFile(folder: string, name: string): RingFile | null {
  const kind = NAME.exec(name)?.[1];
  if (kind !== "ring" && kind !== "failures") return null;
  try {
    const path = join(folder, name);
    const stats = lstatSync(path, { bigint: true });
    const bytes = kind === "ring" ? RING_BYTES : FAILURES_BYTES;
    if (!stats.isFile() || stats.size !== BigInt(bytes) || (stats.mode & 0o077n) !== 0n) return null;
    const changedMs = Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs));
    return { path, name, kind, inode: String(stats.ino), bytes, changedMs };
  } catch {
    return null; // Removed meanwhile.
  }
}

function mayBeDead(file: RingFile, mapped: MappedFiles, nowMs: number): boolean {
  if (mapped.names.has(file.name) || mapped.inodes.has(file.inode)) return false;
  const isSure = mapped.unaskedPids !== null && !mapped.unaskedPids.has(Number.parseInt(file.name, 10));
  return isSure || nowMs - file.changedMs > UNSURE_AGE_MS_MAX;
}

const oldestFirst = (one: RingFile, other: RingFile) => one.changedMs - other.changedMs;
const sumOfBytes = (files: readonly RingFile[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** The dead, oldest first, cut where the folder would no longer be too large: what has to go unread, and the others. */
function overflow(all: readonly RingFile[], dead: readonly RingFile[]): readonly [readonly RingFile[], readonly RingFile[]] {
  let excess = sumOfBytes(all) - FOLDER_BYTES_MAX;
  const readFrom = dead.findIndex((file) => {
    if (excess <= 0) return true;
    excess -= file.bytes;
    return false;
  });
  return readFrom === -1 ? [dead, []] : [dead.slice(0, readFrom), dead.slice(readFrom)];
}

/** Null when it says nothing that can be understood. */
function lastReading(file: RingFile): DeadRing | null {
  const bytes = readSame(file);
  if (bytes === null) return null;
  if (file.kind === "ring") {
    const ring = parseRing(bytes);
    return ring.ok ? { name: file.name, kind: "ring", ring: ring.value } : null;
  }
  const failures = parseFailures(bytes);
  return failures.ok ? { name: file.name, kind: "failures", failures: failures.value } : null;
}

function readSame(file: RingFile): Buffer | null {
  try {
    const descriptor = openSync(
      file.path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      return stats.isFile() && String(stats.ino) === file.inode ? readBytes(descriptor, file.bytes) : null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null; // Not ours to read.
  }
}

function isWritten(ring: Ring, nowMs: number): boolean {
  const newest = ring.records[0];
  const { intervalMs } = ring.header;
  return newest !== undefined && intervalMs !== null && Math.abs(nowMs - newest.sampledMs) <= ALIVE_INTERVALS * intervalMs;
}

function remove(file: RingFile): boolean {
  try {
    unlinkSync(file.path);
    return true;
  } catch {
    return false; // Removed by somebody else, or not ours to remove: the next sweep finds it or not.
  }
}
