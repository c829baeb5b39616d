// Facts about the files that the collector needs: its folders and its walker. Makes none of them, and changes nothing.
// What they mean is judge-places.ts's.
import { spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, lstatSync, openSync, readSync, realpathSync, statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { CollectorConfig } from "../../collector/config.ts";
import type { FolderFacts, PlaceFacts, WalkerFacts } from "./facts.ts";

const [OTHERS_WRITE, STICKY] = [0o002, 0o1000];
/** The walker answers in a millisecond; a file of that name that is something else must not keep us. */
const VERSION_MS_MAX = 3_000;

export function gatherPlaces({
  ringFolder,
  spoolFolder,
  spoolBytesMax,
  blackBoxFolder,
  blackBoxBytesMax,
}: CollectorConfig): PlaceFacts {
  return {
    ringFolder: folderFacts(ringFolder),
    spoolFolder: spoolFolder === null ? null : folderFacts(spoolFolder),
    spoolBytesMax,
    blackBoxFolder: blackBoxFolder === null ? null : folderFacts(blackBoxFolder),
    blackBoxBytesMax,
  };
}

/** Of a folder that is not there yet, what holds for the nearest one above it that is. */
export function folderFacts(folder: string): FolderFacts {
  const path = resolve(folder);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const nearest = nearestExisting(path);
  return {
    path,
    exists: stats !== undefined,
    isLink: stats?.isSymbolicLink() ?? false,
    uid: stats?.uid ?? 0,
    mode: (stats?.mode ?? 0) & 0o7777,
    looseAbove: looseAbove(path),
    freeBytes: freeBytesOf(nearest),
    isReadOnly: isReadOnly(nearest),
  };
}

function nearestExisting(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    if (statSync(at, { throwIfNoEntry: false })?.isDirectory() || at === dirname(at)) return at;
  }
}

function looseAbove(path: string): string | null {
  for (let above = realpathSync(nearestExisting(dirname(path))); ; above = dirname(above)) {
    const { mode } = statSync(above);
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return above;
    if (above === dirname(above)) return null;
  }
}

function freeBytesOf(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

export function gatherWalker(path: string): WalkerFacts {
  const architecture = architectureOf(path);
  const about = { path, architecture, hostArchitecture: process.arch };
  if (architecture !== null && architecture !== process.arch) return { ...about, version: null, problem: null };
  const { error, status, stdout, signal } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: VERSION_MS_MAX });
  const version = /^tidemark-walk \S+/.exec(stdout ?? "")?.[0] ?? null;
  if (version !== null && status === 0) return { ...about, version, problem: null };
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return { ...about, version: null, problem: code ?? signal ?? `it ends with ${status} and does not say its version` };
}

/** Field e_machine of the ELF header, by Node's names. Source: man 5 elf, the kernel's include/uapi/linux/elf-em.h. */
const machines: ReadonlyMap<number, string> = new Map([
  [62, "x64"],
  [183, "arm64"],
]);
const [ELF_MAGIC, MACHINE_OFFSET, HEADER_BYTES] = ["\u007fELF", 18, 20];

function architectureOf(path: string): string | null {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const header = Buffer.alloc(HEADER_BYTES);
      const length = readSync(file, header, 0, HEADER_BYTES, 0);
      if (length < HEADER_BYTES || header.toString("latin1", 0, ELF_MAGIC.length) !== ELF_MAGIC) return null;
      const machine = header.readUInt16LE(MACHINE_OFFSET);
      return machines.get(machine) ?? `machine ${machine}`;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
