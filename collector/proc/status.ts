// /proc/pid/status: memory by kind, threads and users. man 5 proc_pid_status; fields as of Linux 4.5 and later.
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
  /** The most address space it ever had: no true figure about its heap exceeds it. */
  readonly virtualBytesMax: number | null;
  /** Its pid as it sees it itself; another one than ours in a container. Null where the kernel does not tell. */
  readonly ownPid: number | null;
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[];
}

export function parseStatus(text: string, path: string): Result<Status, ProcError> {
  const threads = /^Threads:\t(\d+)$/m.exec(text)?.[1];
  if (threads === undefined) return malformed(path, text.slice(0, 80));
  const namespacePid = /^NSpid:(?:\t\d+)*\t(\d+)$/m.exec(text)?.[1];
  const memory = parseKibLines(text, path, ["VmPeak", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmSwap"]);
  if (!memory.ok) return memory;
  return ok({
    thread_count: Number(threads),
    rss_bytes: memory.value.VmRSS ?? null,
    anon_bytes: memory.value.RssAnon ?? null,
    file_bytes: memory.value.RssFile ?? null,
    shmem_bytes: memory.value.RssShmem ?? null,
    swap_bytes: memory.value.VmSwap ?? null,
    virtualBytesMax: memory.value.VmPeak ?? null,
    ownPid: namespacePid === undefined ? null : Number(namespacePid),
    uids: /^Uid:((?:\t\d+){4})$/m.exec(text)?.[1]?.trim().split("\t").map(Number) ?? [],
  });
}
