// Reads kernel files and says why it could not. Parsing is in the file named after each kernel file.
import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { err, ok, type Result } from "../../schema/result.ts";

/** An exited process is normal and a denied one is expected without CAP_SYS_PTRACE; the caller counts both. */
export type ProcError =
  | { readonly kind: "gone"; readonly path: string }
  | { readonly kind: "denied"; readonly path: string }
  | { readonly kind: "malformed"; readonly path: string; readonly line: string }
  | { readonly kind: "unreadable"; readonly path: string; readonly code: string };

/**
 * What is written about a process is partly its own words: names of mapped files, mounts, and an environment that it can move
 * (prctl PR_SET_MM_MAP) may fill gigabytes. The maps of 262,144 mappings, four times the usual limit, take some 25 MiB.
 */
const KERNEL_FILE_BYTES_MAX = 32 * 1_024 * 1_024;
/** Larger than nearly all of them; the kernel gives /proc/pid/maps a page at a time anyway. */
const BLOCK_BYTES = 64 * 1_024;
const block = Buffer.alloc(BLOCK_BYTES);

/**
 * The text of a kernel file, or why there is none; EFBIG when it is longer than it may be. Read synchronously: these files
 * come from memory in microseconds, a thread pool would cost more.
 */
export const readKernelFile = (path: string, bytesMax = KERNEL_FILE_BYTES_MAX): Result<string, ProcError> =>
  attempt(path, () => readText(path, bytesMax));

/** Where a link such as /proc/pid/exe leads; failures as in readKernelFile. */
export const readKernelLink = (path: string): Result<string, ProcError> => attempt(path, () => readlinkSync(path));

function readText(path: string, bytesMax: number): string {
  const descriptor = openSync(path, "r");
  try {
    let text = "";
    for (;;) {
      const length = readSync(descriptor, block, 0, BLOCK_BYTES, null);
      if (length === 0) return text;
      if (text.length + length > bytesMax) throw Object.assign(new Error(`more than ${bytesMax} bytes`), { code: "EFBIG" });
      text += block.toString("latin1", 0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

function attempt(path: string, read: () => string): Result<string, ProcError> {
  try {
    return ok(read());
  } catch (cause) {
    return err(procErrorOf(path, cause));
  }
}

/**
 * What a failed read means. ENODEV is how a removed cgroup's open file answers (kernfs). Any other code, for example EIO or
 * ESTALE, is one file's trouble and must not end the look at all the others. What has no code is our own bug and throws.
 */
export function procErrorOf(path: string, cause: unknown): ProcError {
  const { code } = cause as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ESRCH":
    case "ENODEV":
      return { kind: "gone", path };
    case "EACCES":
    case "EPERM":
      return { kind: "denied", path };
    case undefined:
      throw new Error(`cannot read ${path}`, { cause });
    default:
      return { kind: "unreadable", path, code };
  }
}

/** Reads and parses in one go, the way every kernel file is used. */
export function readAndParse<T>(
  path: string,
  parse: (text: string, path: string) => Result<T, ProcError>,
): Result<T, ProcError> {
  const text = readKernelFile(path);
  return text.ok ? parse(text.value, path) : text;
}

export const malformed = (path: string, line: string) => err<ProcError>({ kind: "malformed", path, line: line.slice(0, 120) });
