// /proc/pid/statm: the cheapest look at a process, 6 us whatever its size. man 5 proc_pid_statm.
// It counts in pages; the page size is auxv.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Statm {
  readonly rss_bytes: number;
}

export function parseStatm(text: string, path: string, pageBytes: number): Result<Statm, ProcError> {
  const fields = /^\d+ (\d+) /.exec(text);
  if (fields === null) return malformed(path, text);
  return ok({ rss_bytes: Number(fields[1]) * pageBytes });
}
