// /proc/pid/cgroup: the control groups of a process, and the container id in their path. man 7 cgroups.
// Limits and usage are files of the cgroup file system, see cgroup-memory.ts.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Cgroup {
  /** Path below the unified (v2) hierarchy; null where the process is only in v1 hierarchies. */
  readonly unifiedPath: string | null;
  /** 64 hexadecimal digits as Docker, containerd, CRI-O and ECS write them; null outside a container. */
  readonly container_id: string | null;
}

export function parseCgroup(text: string, path: string): Result<Cgroup, ProcError> {
  const lines = text.split("\n").filter((line) => line !== "");
  const bad = lines.find((line) => !/^\d+:[^:]*:\//.test(line));
  if (bad !== undefined) return malformed(path, bad);
  const unified = lines.find((line) => line.startsWith("0::"));
  const containerId = /(?:^|[^0-9a-f])([0-9a-f]{64})(?:[^0-9a-f]|$)/m.exec(text);
  return ok({ unifiedPath: unified?.slice("0::".length) ?? null, container_id: containerId?.[1] ?? null });
}
