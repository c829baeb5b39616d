// /proc/pid/smaps_rollup: proportional set size. man 5 proc_pid_smaps; in Linux since 4.14.
// The kernel walks the whole address space for it (about 10 ms a GB), so watch/budget.ts says how often.
import { ok, type Result } from "../../schema/result.ts";
import { parseKibLines } from "./kib-lines.ts";
import { malformed, type ProcError } from "./read.ts";

export interface SmapsRollup {
  readonly pss_bytes: number;
  readonly thp_bytes: number | null;
}

export function parseSmapsRollup(text: string, path: string): Result<SmapsRollup, ProcError> {
  const memory = parseKibLines(text, path, ["Pss", "AnonHugePages"]);
  if (!memory.ok) return memory;
  if (memory.value.Pss === undefined) return malformed(path, text.slice(0, 80));
  return ok({ pss_bytes: memory.value.Pss, thp_bytes: memory.value.AnonHugePages ?? null });
}
