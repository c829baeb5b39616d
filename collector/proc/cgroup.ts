// /proc/pid/cgroup: the control groups of a process. man 7 cgroups.
// Limits and usage are files of the cgroup file system, see cgroup-memory.ts; names in the path are identity/cgroup-names.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Cgroup {
  /** Path below the unified (v2) hierarchy; null where the process is only in v1 hierarchies. */
  readonly unifiedPath: string | null;
}

export function parseCgroup(text: string, path: string): Result<Cgroup, ProcError> {
  const lines = text.split("\n").filter((line) => line !== "");
  const bad = lines.find((line) => !/^\d+:[^:]*:\//.test(line));
  if (bad !== undefined) return malformed(path, bad);
  const unified = lines.find((line) => line.startsWith("0::"));
  return ok({ unifiedPath: unified?.slice("0::".length) ?? null });
}
