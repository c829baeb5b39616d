// /proc/meminfo: memory of the host, by what it is used for. man 5 proc_meminfo; MemAvailable since Linux 3.14.
// Free memory by order is in buddyinfo, not here.
import type { HostSample } from "../../schema/columns.ts";
import { ok, type Result } from "../../schema/result.ts";
import { parseKibLines } from "./kib-lines.ts";
import { malformed, type ProcError } from "./read.ts";

const COLUMNS = {
  mem_available_bytes: "MemAvailable",
  mem_free_bytes: "MemFree",
  swap_total_bytes: "SwapTotal",
  swap_free_bytes: "SwapFree",
  anon_bytes: "AnonPages",
  anon_thp_bytes: "AnonHugePages",
  shmem_bytes: "Shmem",
  slab_reclaimable_bytes: "SReclaimable",
  slab_unreclaimable_bytes: "SUnreclaim",
  dirty_bytes: "Dirty",
  writeback_bytes: "Writeback",
  committed_bytes: "Committed_AS",
  commit_limit_bytes: "CommitLimit",
} as const satisfies Partial<Record<keyof HostSample, string>>;

export type Meminfo = Readonly<Record<keyof typeof COLUMNS | "page_cache_bytes", number | null>> & {
  readonly mem_total_bytes: number;
};

/** In bytes; a line that the kernel does not print is null, but a host without MemTotal is none. */
export function parseMeminfo(text: string, path: string): Result<Meminfo, ProcError> {
  const memory = parseKibLines(text, path, ["MemTotal", "Cached", ...Object.values(COLUMNS)]);
  if (!memory.ok) return memory;
  const { MemTotal, Cached, Shmem } = memory.value;
  if (MemTotal === undefined) return malformed(path, text.slice(0, 80));
  const columns = Object.entries(COLUMNS).map(([column, name]) => [column, memory.value[name] ?? null]);
  return ok({
    mem_total_bytes: MemTotal,
    // The kernel reads the two at different moments, so that on a host with hardly any cache they may cross.
    page_cache_bytes: Cached === undefined || Shmem === undefined ? null : Math.max(0, Cached - Shmem),
    ...(Object.fromEntries(columns) as Record<keyof typeof COLUMNS, number | null>),
  });
}
