// Opens the performance data of a JVM after making sure that it is the file which that JVM has mapped, and reads it.
// A process may lie about itself and may try to make us touch other files; what the bytes say is perf-data.ts's.
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import type { MappedFile } from "../proc/maps.ts";
import { foreignFileSystem } from "../proc/mountinfo.ts";

export interface PerfDataOwner {
  readonly pid: number;
  readonly uids: readonly number[];
}

/** 32 KiB unless -XX:PerfDataMemorySize says otherwise. */
const PERF_DATA_BYTES_MAX = 1_024 * 1_024;
/** For all files in turn. What is not used of it takes no memory. */
const block = Buffer.alloc(PERF_DATA_BYTES_MAX);

/**
 * The bytes, good until the next call; null where the file is gone, or is not what a JVM makes. It has none with
 * -XX:-UsePerfData, and one that nobody finds with -XX:+PerfDisableSharedMem. The JVM notices nothing: it shares the
 * pages with every reader of the file.
 */
export function readPerfData(owner: PerfDataOwner, file: MappedFile): Buffer | null {
  if (file.isDeleted || foreignFileSystem(owner.pid, file.path) !== null) return null;
  const root = `/proc/${owner.pid}/root`;
  try {
    if (hasSymlink(root, dirname(file.path))) return null;
    const descriptor = openQuietly(`${root}${file.path}`);
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      return isWritten(stats, owner, file) ? block.subarray(0, readSync(descriptor, block, 0, Number(stats.size), 0)) : null;
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    // Gone, closed to us, or a file system that failed. What has no code is our own bug.
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    return null;
  }
}

/**
 * Where a folder of the path is a symbolic link, it would be followed by our root and not by the process's. The path is
 * the kernel's (maps), which holds none unless somebody has put one there since.
 */
function hasSymlink(root: string, folder: string): boolean {
  if (folder === "/") return false;
  return lstatSync(`${root}${folder}`).isSymbolicLink() || hasSymlink(root, dirname(folder));
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The time of the last access is left alone where that is allowed us: it is for owners, and with CAP_FOWNER. */
function openQuietly(path: string): number {
  try {
    return openSync(path, FLAGS | constants.O_NOATIME);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EPERM") throw cause;
    return openSync(path, FLAGS);
  }
}

/** The inode alone, because maps and stat name different devices on btrfs and overlayfs. */
const isWritten = (stats: BigIntStats, { uids }: PerfDataOwner, { inode }: MappedFile): boolean =>
  stats.isFile() &&
  String(stats.ino) === inode &&
  uids.includes(Number(stats.uid)) &&
  stats.size <= BigInt(PERF_DATA_BYTES_MAX);
