// The `Name:   123 kB` lines that status, smaps_rollup and meminfo share. Which names matter is theirs to say.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

const KIB = 1_024;

/**
 * Bytes of the wanted lines, by name; a line that is not there stays out. A wanted line without a number in kB is
 * malformed, not zero. Source: fs/proc/task_mmu.c and fs/proc/meminfo.c print all of these in kB.
 */
export function parseKibLines<N extends string>(
  text: string,
  path: string,
  wanted: readonly N[],
): Result<Partial<Record<N, number>>, ProcError> {
  const bytes: Partial<Record<N, number>> = {};
  for (const name of wanted) {
    const line = new RegExp(`^${name}:(.*)$`, "m").exec(text);
    if (line === null) continue;
    const kib = /^\s+(\d+) kB$/.exec(line[1] ?? "");
    if (kib === null) return malformed(path, line[0]);
    bytes[name] = Number(kib[1]) * KIB;
  }
  return ok(bytes);
}
