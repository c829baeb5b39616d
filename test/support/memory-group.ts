// A control group of its own with a limit of memory, for tests in which the kernel kills for want of it: v2 or v1.
// Needs root and a control group file system that may be written.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { skipReason } from "./need.ts";

const ROOT = "/sys/fs/cgroup";

export interface MemoryGroup {
  readonly folder: string;
  remove(): void;
}

/** The group, or why this machine can have none. */
export function memoryGroup(name: string, limitBytes: number): MemoryGroup | string {
  const isV1 = existsSync(join(ROOT, "memory/memory.limit_in_bytes"));
  const folder = join(ROOT, isV1 ? "memory" : "", `tidemark-${name}-${process.pid}`);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, isV1 ? "memory.limit_in_bytes" : "memory.max"), String(limitBytes));
    if (!isV1) writeFileSync(join(folder, "memory.swap.max"), "0");
  } catch (error) {
    return skipReason(`no control group of memory can be made here: ${String(error)}`);
  }
  return { folder, remove: () => rmdirSync(folder) };
}
