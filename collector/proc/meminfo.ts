// /proc/meminfo: memory of the host. man 5 proc_meminfo; MemAvailable since Linux 3.14.
// Free memory by order is in buddyinfo, not here.
import { ok, type Result } from "../../schema/result.ts";
import { parseKibLines } from "./kib-lines.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Meminfo {
  readonly mem_total_bytes: number;
  readonly mem_available_bytes: number | null;
  readonly swap_total_bytes: number | null;
  readonly swap_free_bytes: number | null;
  readonly anon_bytes: number | null;
  readonly dirty_bytes: number | null;
}

export function parseMeminfo(text: string, path: string): Result<Meminfo, ProcError> {
  const memory = parseKibLines(text, path, ["MemTotal", "MemAvailable", "SwapTotal", "SwapFree", "AnonPages", "Dirty"]);
  if (!memory.ok) return memory;
  const { MemTotal, MemAvailable, SwapTotal, SwapFree, AnonPages, Dirty } = memory.value;
  if (MemTotal === undefined) return malformed(path, text.slice(0, 80));
  return ok({
    mem_total_bytes: MemTotal,
    mem_available_bytes: MemAvailable ?? null,
    swap_total_bytes: SwapTotal ?? null,
    swap_free_bytes: SwapFree ?? null,
    anon_bytes: AnonPages ?? null,
    dirty_bytes: Dirty ?? null,
  });
}
