// /proc/pid/cgroup: the control groups of a process. man 7 cgroups.
// Limits and usage are files of the cgroup file system, see cgroup-memory.ts; names in the path are identity/cgroup-names.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Cgroup {
  /** Path below the unified (v2) hierarchy; null where the process is only in v1 hierarchies. */
  readonly unifiedPath: string | null;
  /** Path below the v1 hierarchy that accounts for memory; null where v2 does. A controller is in one of them only. */
  readonly v1MemoryPath: string | null;
}

export function parseCgroup(text: string, path: string): Result<Cgroup, ProcError> {
  const lines = text.split("\n").filter((line) => line !== "");
  const bad = lines.find((line) => !/^\d+:[^:]*:\//.test(line));
  if (bad !== undefined) return malformed(path, bad);
  const pathOf = (hierarchy: RegExp): string | null => {
    const line = lines.find((line) => hierarchy.test(line));
    return line === undefined ? null : Buffer.from(line.replace(/^\d+:[^:]*:/, ""), "latin1").toString("utf8");
  };
  return ok({ unifiedPath: pathOf(/^0::/), v1MemoryPath: pathOf(/^\d+:([^:]*,)?memory(,[^:]*)?:/) });
}
