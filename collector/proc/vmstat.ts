// /proc/vmstat: what the kernel did for memory since boot. man 5 proc_vmstat; names as in mm/vmstat.c, Linux 4.10 to 6.18.
// Which of the events matter is host-columns.ts's; rates are the reader's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Vmstat {
  readonly swapped_in_bytes: number | null;
  readonly swapped_out_bytes: number | null;
  readonly major_fault_count: number | null;
  readonly alloc_stall_count: number | null;
  readonly compact_stall_count: number | null;
  readonly compact_fail_count: number | null;
  readonly thp_fault_alloc_count: number | null;
  readonly thp_fault_fallback_count: number | null;
  readonly oom_kill_count: number | null;
}

/** What this kernel does not count (no swap, no compaction, no huge pages built in; oom_kill before 4.13) is null. */
export function parseVmstat(text: string, path: string, pageBytes: number): Result<Vmstat, ProcError> {
  const counts = new Map(Array.from(text.matchAll(/^(\w+) (\d+)$/gm), ([, name = "", count]) => [name, Number(count)]));
  if (counts.size === 0) return malformed(path, text);
  const count = (name: string) => counts.get(name) ?? null;
  const bytes = (name: string) => {
    const pages = counts.get(name);
    return pages === undefined ? null : pages * pageBytes;
  };
  return ok({
    swapped_in_bytes: bytes("pswpin"),
    swapped_out_bytes: bytes("pswpout"),
    major_fault_count: count("pgmajfault"),
    alloc_stall_count: allocStalls(counts),
    compact_stall_count: count("compact_stall"),
    compact_fail_count: count("compact_fail"),
    thp_fault_alloc_count: count("thp_fault_alloc"),
    thp_fault_fallback_count: count("thp_fault_fallback"),
    oom_kill_count: count("oom_kill"),
  });
}

/** One line a zone since Linux 4.10, before that one line. */
function allocStalls(counts: ReadonlyMap<string, number>): number | null {
  const stalls = [...counts].filter(([name]) => /^allocstall(_|$)/.test(name)).map(([, count]) => count);
  return stalls.length === 0 ? null : stalls.reduce((sum, count) => sum + count);
}
