// What the benchmarks put into programs: our libraries, where they are built, and the allocators that Debian has.
// It leaves putting them there, and what comes of it, to the benchmarks.
import { existsSync, globSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { programPath } from "../../native/target.ts";

/** Null where it cannot be had. */
export const shim = (): string | null => existing(programPath("libtidemark.so"));
export const failuresLibrary = (): string | null => existing(programPath("libtidemark-failures.so"));
export const profileLibrary = (): string | null => existing(programPath("libtidemark-profile.so"));
export const jemalloc = (): string | null => globSync("/usr/lib/{,*/}libjemalloc.so.2")[0] ?? null;

/** A folder for ring files, in memory as /run is in production, that programs of any user may write to. */
export function ringFolder(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tidemark-bench-"));
}

/** The first of these commands (names on PATH or absolute paths) that is not there, as a reason; null when all are. */
export function lacks(commands: readonly string[]): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const isThere = (command: string) =>
    isAbsolute(command) ? existsSync(command) : folders.some((folder) => existsSync(join(folder, command)));
  const absent = commands.find((command) => !isThere(command));
  return absent === undefined ? null : `there is no ${absent}`;
}

const existing = (path: string): string | null => (existsSync(path) ? path : null);
