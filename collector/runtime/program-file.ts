// Looks into the file that a process runs, once for each file: a hundred processes run the same.
// What its bytes say is go-build.ts's.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { foreignFileSystem } from "../proc/mountinfo.ts";
import { type GoBuild, goBuildOf } from "./go-build.ts";

/** Distinct programs on one host; a host with more pays a second look, of four small reads. */
const CACHE_ENTRIES_MAX = 1_024;

const builds = new Map<string, GoBuild | null>();

/**
 * Null where the program is none of Go's, is gone, closed to us, or lies on a file system that may not answer. The link
 * leads to the open file itself, so that no path of a stranger is followed.
 */
export function goBuildOfProcess(pid: number, executablePath: string | null): GoBuild | null {
  if (executablePath === null || foreignFileSystem(pid, executablePath) !== null) return null;
  let file: number;
  try {
    file = openSync(`/proc/${pid}/exe`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const { dev, ino, size, mtimeMs } = fstatSync(file);
    const key = `${dev}:${ino}:${size}:${mtimeMs}`;
    const known = builds.get(key);
    if (known !== undefined) return known;
    const build = goBuildOf((position, length) => readAt(file, position, length, size));
    if (builds.size >= CACHE_ENTRIES_MAX) builds.clear();
    builds.set(key, build);
    return build;
  } catch {
    return null; // The file system under a container's root failed (EIO, ESTALE).
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, position: number, length: number, size: number): Buffer {
  if (position >= size) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}
