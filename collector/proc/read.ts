// Reads kernel files and says why it could not. Parsing is in the file named after each kernel file.
import { readFileSync, readlinkSync } from "node:fs";
import { err, ok, type Result } from "../../schema/result.ts";

/** An exited process is normal and a denied one is expected without CAP_SYS_PTRACE; the caller counts both. */
export type ProcError =
  | { readonly kind: "gone"; readonly path: string }
  | { readonly kind: "denied"; readonly path: string }
  | { readonly kind: "malformed"; readonly path: string; readonly line: string };

/**
 * The text of a kernel file. ENOENT and ESRCH are `gone`, EACCES and EPERM `denied`; anything else is a bug or a broken
 * machine and throws. Read synchronously: these files come from memory in microseconds, a thread pool would cost more.
 */
export const readKernelFile = (path: string): Result<string, ProcError> => attempt(path, () => readFileSync(path, "latin1"));

/** Where a link such as /proc/pid/exe leads; failures as in readKernelFile. */
export const readKernelLink = (path: string): Result<string, ProcError> => attempt(path, () => readlinkSync(path));

function attempt(path: string, read: () => string): Result<string, ProcError> {
  try {
    return ok(read());
  } catch (cause) {
    switch ((cause as NodeJS.ErrnoException).code) {
      case "ENOENT":
      case "ESRCH":
        return err({ kind: "gone", path });
      case "EACCES":
      case "EPERM":
        return err({ kind: "denied", path });
      default:
        throw new Error(`cannot read ${path}`, { cause });
    }
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
