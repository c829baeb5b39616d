// The control group columns of a row: limit, use and events of the group that a process's memory is charged to, v2 or v1.
// Many processes share a group and its parents, so what was read is said again to all rows that close together.
import { existsSync } from "node:fs";
import { dirname, normalize } from "node:path";
import type { Cgroup } from "../proc/cgroup.ts";
import { limitOfV1, parseByteCount, parseCounts, parseMemoryMax } from "../proc/cgroup-memory.ts";
import { readAndParse } from "../proc/read.ts";
import type { Measured } from "./watched.ts";

export type CgroupColumns = Pick<Measured, Extract<keyof Measured, `cgroup_${string}`>>;
/** Nothing where the process is in the root group, which has no limit, or outside of what we see. */
export type Cgroups = (cgroup: Cgroup | null) => CgroupColumns;

/** Kubernetes nests six deep. Whoever may make groups of its own may nest as deep as a path is long, to keep us busy. */
const LEVELS_MAX = 32;

/** Reads groups for one round of rows. `root` is where the hierarchies are mounted, the unified one below it on hybrid hosts. */
export function createCgroups(root = "/sys/fs/cgroup"): Cgroups {
  const unified = existsSync(`${root}/cgroup.controllers`) ? root : `${root}/unified`;
  const columns = new Map<string, CgroupColumns>();
  const limits = new Map<string, number>();
  return (cgroup) => {
    const isV1 = cgroup?.v1MemoryPath != null;
    const path = (isV1 ? cgroup.v1MemoryPath : cgroup?.unifiedPath) ?? null;
    if (path === null || !isInside(path)) return {};
    const known = columns.get(path);
    if (known !== undefined) return known;
    const read = isV1 ? columnsOfV1(`${root}/memory${path}`) : columnsOfV2(unified, path, limits);
    columns.set(path, read);
    return read;
  };
}

/** A path that leaves the tree (`/../..`: a process outside our cgroup namespace) is not ours to follow. */
const isInside = (path: string): boolean =>
  path !== "/" && normalize(path) === path && path.split("/").length - 1 <= LEVELS_MAX;

function columnsOfV2(root: string, path: string, limits: Map<string, number>): CgroupColumns {
  const charged = chargedGroup(root, path);
  if (charged === null) return {};
  const folder = `${root}${charged.path}`;
  const [high, max, oomKill] = counts(`${folder}/memory.events`, "high", "max", "oom_kill");
  const [anon, file] = counts(`${folder}/memory.stat`, "anon", "file");
  const limit = lowestLimit(root, charged.path, limits);
  return {
    cgroup_limit_bytes: Number.isFinite(limit) ? limit : null,
    cgroup_current_bytes: charged.currentBytes,
    cgroup_anon_bytes: anon ?? null,
    cgroup_cache_bytes: file ?? null,
    cgroup_high_count: high ?? null,
    cgroup_max_count: max ?? null,
    cgroup_oom_kill_count: oomKill ?? null,
  };
}

/** Where a group has no memory files, because its parent does not ask for them, the nearest one above that has is charged. */
function chargedGroup(root: string, path: string): { readonly path: string; readonly currentBytes: number } | null {
  for (let group = path; group !== "/"; group = dirname(group)) {
    const current = readAndParse(`${root}${group}/memory.current`, parseByteCount);
    if (current.ok) return { path: group, currentBytes: current.value };
    if (current.error.kind !== "gone") return null;
  }
  return null;
}

/**
 * The lowest memory.max of a group and all above it: a pod's limit stands above its containers'. Infinity where none has
 * one, NaN where one of them cannot be read, for the lowest of the others would be a guess.
 */
function lowestLimit(root: string, path: string, known: Map<string, number>): number {
  if (path === "/") return Number.POSITIVE_INFINITY;
  const before = known.get(path);
  if (before !== undefined) return before;
  const own = readAndParse(`${root}${path}/memory.max`, parseMemoryMax);
  const ownBytes = own.ok ? (own.value ?? Number.POSITIVE_INFINITY) : Number.NaN;
  const lowest = Math.min(ownBytes, lowestLimit(root, dirname(path), known));
  known.set(path, lowest);
  return lowest;
}

/** Here the kernel tells the lowest limit itself, and counts what was charged below a group with it in `total_`. */
function columnsOfV1(folder: string): CgroupColumns {
  const current = readAndParse(`${folder}/memory.usage_in_bytes`, parseByteCount);
  if (!current.ok) return {};
  const failures = readAndParse(`${folder}/memory.failcnt`, parseByteCount);
  const [oomKill] = counts(`${folder}/memory.oom_control`, "oom_kill");
  const [limit, anon, cache] = counts(`${folder}/memory.stat`, "hierarchical_memory_limit", "total_rss", "total_cache");
  return {
    cgroup_limit_bytes: limitOfV1(limit ?? null),
    cgroup_current_bytes: current.value,
    cgroup_anon_bytes: anon ?? null,
    cgroup_cache_bytes: cache ?? null,
    cgroup_max_count: failures.ok ? failures.value : null,
    cgroup_oom_kill_count: oomKill ?? null,
  };
}

function counts(path: string, ...names: readonly string[]): readonly (number | null)[] {
  const read = readAndParse(path, parseCounts(...names));
  return read.ok ? read.value : [];
}
