// /proc/pid/status: memory by kind, and threads. man 5 proc_pid_status; fields as of Linux 4.5 and later.
// What a process without memory figures means is the caller's business.
import { ok, type Result } from "../../schema/result.ts";
import { parseKibLines } from "./kib-lines.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Status {
  readonly thread_count: number;
  /** Null for kernel threads and zombies, which have no memory of their own. */
  readonly rss_bytes: number | null;
  readonly anon_bytes: number | null;
  readonly file_bytes: number | null;
  readonly shmem_bytes: number | null;
  readonly swap_bytes: number | null;
}

export function parseStatus(text: string, path: string): Result<Status, ProcError> {
  const threads = /^Threads:\t(\d+)$/m.exec(text)?.[1];
  if (threads === undefined) return malformed(path, text.slice(0, 80));
  const memory = parseKibLines(text, path, ["VmRSS", "RssAnon", "RssFile", "RssShmem", "VmSwap"]);
  if (!memory.ok) return memory;
  return ok({
    thread_count: Number(threads),
    rss_bytes: memory.value.VmRSS ?? null,
    anon_bytes: memory.value.RssAnon ?? null,
    file_bytes: memory.value.RssFile ?? null,
    shmem_bytes: memory.value.RssShmem ?? null,
    swap_bytes: memory.value.VmSwap ?? null,
  });
}
