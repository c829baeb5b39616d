// The glibc version of a process, from the text that every libc.so.6 carries about itself.
// Read through /proc/pid/root, so that a container's own libc is the one that is asked.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { foreignFileSystem } from "../proc/mountinfo.ts";

/** A libc is about 2 MB, with debug symbols up to 20; anything larger is not one. */
const LIBRARY_BYTES_MAX = 32 * 1_024 * 1_024;
/** Distinct libc files on one host; a host with more containers than that pays a second read. */
const CACHE_ENTRIES_MAX = 256;

const versions = new Map<string, string | null>();

/** For example `2.36`; null when the file cannot be read or does not say. One read per file of the host, then cached. */
export function glibcVersion(pid: number, libraryPath: string): string | null {
  // A server behind the file system could hold us in open(2), and everything else with us.
  if (foreignFileSystem(pid, libraryPath) !== null) return null;
  let file: number;
  try {
    // O_NONBLOCK and fstat: the path is another user's, it may name a FIFO or a device by now.
    file = openSync(`/proc/${pid}/root${libraryPath}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return null; // The process is gone, or its root is not ours to see: the version stays unknown.
  }
  try {
    const { dev, ino, size, mtimeMs } = fstatSync(file);
    const key = `${dev}:${ino}:${mtimeMs}`;
    const cached = versions.get(key);
    if (cached !== undefined) return cached;
    const version = size <= LIBRARY_BYTES_MAX && fstatSync(file).isFile() ? findVersion(readWhole(file, size)) : null;
    if (versions.size >= CACHE_ENTRIES_MAX) versions.clear();
    versions.set(key, version);
    return version;
  } catch {
    return null; // The file system under a container's root failed (EIO, ESTALE), or the file is none that can be read.
  } finally {
    closeSync(file);
  }
}

/** `GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.` Source: glibc csu/version.c. */
export function findVersion(library: Buffer): string | null {
  const banner = library.indexOf("GNU C Library (");
  if (banner === -1) return null;
  return /release version (\d+\.\d+)/.exec(library.toString("latin1", banner, banner + 256))?.[1] ?? null;
}

function readWhole(file: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const read = readSync(file, bytes, length, size - length, length);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
