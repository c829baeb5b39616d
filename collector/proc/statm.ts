// /proc/pid/statm: the cheapest look at a process, 6 us whatever its size. man 5 proc_pid_statm.
// It counts in pages; the page size is auxv.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Statm {
  readonly rss_bytes: number;
  /** Of rss_bytes, file mappings and shared memory. */
  readonly shared_bytes: number;
  readonly virtual_bytes: number;
}

export function parseStatm(text: string, path: string, pageBytes: number): Result<Statm, ProcError> {
  const fields = /^(\d+) (\d+) (\d+) /.exec(text);
  if (fields === null) return malformed(path, text);
  const [, virtual, resident, shared] = fields.map((pages) => Number(pages) * pageBytes);
  return ok({ rss_bytes: resident ?? 0, shared_bytes: shared ?? 0, virtual_bytes: virtual ?? 0 });
}
