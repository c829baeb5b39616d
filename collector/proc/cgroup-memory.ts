// Memory files of a control group: limit, use and events. Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
// Which cgroup a process is in is cgroup.ts's; which files belong together is watch/measure-cgroup.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

/** memory.max in bytes, or null for `max`: unlimited is not a number. */
export function parseMemoryMax(text: string, path: string): Result<number | null, ProcError> {
  if (text.trim() === "max") return ok(null);
  return parseByteCount(text, path);
}

export function parseByteCount(text: string, path: string): Result<number, ProcError> {
  return /^\d+\n?$/.test(text) ? ok(Number(text)) : malformed(path, text);
}

/**
 * Lines of `name number`, as in memory.events, memory.stat and memory.oom_control: those of the given names, in their
 * order, null where the kernel has no such line (oom_kill before 4.13). A wanted line without a number is malformed.
 */
export const parseCounts =
  (...names: readonly string[]) =>
  (text: string, path: string): Result<readonly (number | null)[], ProcError> => {
    const counts: (number | null)[] = [];
    for (const name of names) {
      const line = new RegExp(`^${name} (.*)$`, "m").exec(text);
      if (line !== null && !/^\d+$/.test(line[1] ?? "")) return malformed(path, line[0]);
      counts.push(line === null ? null : Number(line[1]));
    }
    return ok(counts);
  };

/** v1 has no word for unlimited: it shows the largest number of whole pages that a long holds (PAGE_COUNTER_MAX, mm/page_counter.c). */
export const limitOfV1 = (bytes: number | null): number | null => (bytes === null || bytes >= 2 ** 62 ? null : bytes);
