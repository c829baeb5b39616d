// memory.max, memory.current and memory.events of a v2 cgroup. Documentation/admin-guide/cgroup-v2.rst, Linux 4.5 and later.
// Which cgroup a process is in is cgroup.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

/** Bytes, or null for `max`: unlimited is not a number. */
export function parseMemoryMax(text: string, path: string): Result<number | null, ProcError> {
  if (text.trim() === "max") return ok(null);
  return parseByteCount(text, path);
}

export function parseByteCount(text: string, path: string): Result<number, ProcError> {
  return /^\d+\n?$/.test(text) ? ok(Number(text)) : malformed(path, text);
}

/** How many processes of the group the kernel has killed for want of memory; null before Linux 4.13, which lacks the line. */
export function parseMemoryEvents(text: string, path: string): Result<number | null, ProcError> {
  const line = /^oom_kill (.*)$/m.exec(text);
  if (line === null) return ok(null);
  return /^\d+$/.test(line[1] ?? "") ? ok(Number(line[1])) : malformed(path, line[0]);
}
