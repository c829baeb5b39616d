// One row of one process: every figure that is due, read now. A figure not due or not known stays null.
// Its heap is measure-heap.ts's; when rows are due, and what becomes of them, is agent.ts's.
import { normalize } from "node:path";
import type { ProcessSample } from "../../schema/columns.ts";
import { ok, type Result } from "../../schema/result.ts";
import type { CollectorConfig } from "../config.ts";
import { type AllocatorHint, allocatorOf } from "../heap/allocator.ts";
import type { Walk } from "../heap/walk-line.ts";
import type { Walker } from "../heap/walker.ts";
import { parseByteCount, parseMemoryEvents, parseMemoryMax } from "../proc/cgroup-memory.ts";
import { type MappedRing, parseMaps } from "../proc/maps.ts";
import { type ProcError, readAndParse } from "../proc/read.ts";
import { parseSmapsRollup } from "../proc/smaps-rollup.ts";
import { parseStatus } from "../proc/status.ts";
import { nextDueMs, rollupWouldStall } from "./budget.ts";
import type { Tellers } from "./families.ts";
import type { ProcessIdentity } from "./identify.ts";
import { measureHeap } from "./measure-heap.ts";

/** What is kept of a process between its rows. */
export interface Watched {
  readonly identity: ProcessIdentity;
  rssBytesMax: number;
  hint: AllocatorHint;
  /** Files of our preloaded libraries that it has mapped. */
  rings: readonly MappedRing[];
  /** Whether the last walk that could tell found glibc's heap; null before. A mapped libc need not serve malloc. */
  heapIsGlibc: boolean | null;
  vmaCount: number | null;
  /** Times (ms) before which the costly looks must not be repeated. */
  mapsDueMs: number;
  rollupDueMs: number;
  walkDueMs: number;
  /** Time (ms) before which the histograms of a walk are not sent again: they are most of a row's bytes and change slowly. */
  histogramDueMs: number;
}

/** The first walk is due at once, but behind those of processes that have waited for longer. */
export const startWatching = (identity: ProcessIdentity, nowMs = 0): Watched => ({
  identity,
  rssBytesMax: 0,
  hint: { allocator: "unknown", libraryPath: null, hasShim: false },
  rings: [],
  heapIsGlibc: null,
  vmaCount: null,
  mapsDueMs: 0,
  rollupDueMs: 0,
  walkDueMs: nowMs,
  histogramDueMs: 0,
});

/**
 * The same process under a new name. What it may cost has not changed, so its budgets go on; after exec its memory is
 * another, so what was seen of that is forgotten.
 */
export function keepWatching(known: Watched, identity: ProcessIdentity): Watched {
  const { mapsDueMs, rollupDueMs, walkDueMs } = known;
  const budgets = { mapsDueMs, rollupDueMs, walkDueMs };
  const sameProgram = known.identity.executablePath === identity.executablePath;
  return sameProgram ? { ...known, identity } : { ...startWatching(identity), ...budgets };
}

export interface MeasureEdge {
  readonly config: CollectorConfig;
  readonly walker: Walker;
  /** Whose row tells the failed allocations that several processes count together. */
  readonly tellers: Tellers;
  /** vm.max_map_count, the same for all processes. */
  readonly vmaCountLimit: number | null;
  /** CPU time of this process so far, in microseconds. */
  cpuUs(): number;
  /** Whether the budget of all walks together has something left. */
  mayWalk(): boolean;
  onWalk(walk: Walk): void;
}

export type Measured = Omit<ProcessSample, "sequence">;

/** The row that closes at `nowMs`, after lookAtMaps; an error when the process is gone or closed to us. */
export async function measure(watched: Watched, nowMs: number, edge: MeasureEdge): Promise<Result<Measured, ProcError>> {
  const { identity } = watched;
  const { pid } = identity;
  const status = readAndParse(`/proc/${pid}/status`, parseStatus);
  if (!status.ok) return status;
  const { rss_bytes, virtualBytesMax, ownPid, uids, ...memory } = status.value;
  if (rss_bytes === null) return { ok: false, error: { kind: "gone", path: `/proc/${pid}/status` } };

  const rollup = measureRollup(watched, nowMs, rss_bytes, edge);
  const heap = await measureHeap(watched, { pid, ownPid, uids, nowMs, virtualBytesMax }, edge);
  const { cgroupPath, startTicks: _ticks, executablePath: _path, ecsUri: _uri, ...who } = identity;
  const row: Measured = {
    ...who,
    ...memory,
    ...rollup,
    ...measureCgroup(cgroupPath),
    sampled_at: nowMs,
    rss_bytes,
    rss_bytes_max: Math.max(watched.rssBytesMax, rss_bytes),
    vma_count: watched.vmaCount,
    vma_count_limit: edge.vmaCountLimit,
    ...heap,
  };
  watched.rssBytesMax = 0;
  return ok(row);
}

/** Reads what the maps tell, if that is due. Before `measure`, and for all processes of a round: they tell who belongs together. */
export function lookAtMaps(watched: Watched, nowMs: number, edge: Pick<MeasureEdge, "config" | "cpuUs">): void {
  if (nowMs < watched.mapsDueMs) return;
  const { cost, value: maps } = costed(edge, () => readAndParse(`/proc/${watched.identity.pid}/maps`, parseMaps));
  watched.mapsDueMs = nextDueMs({ costShareMax: edge.config.rollupCostShareMax }, nowMs, cost);
  if (!maps.ok) return;
  watched.vmaCount = maps.value.vma_count;
  watched.hint = allocatorOf(maps.value.executablePaths);
  watched.rings = maps.value.rings;
}

function measureRollup(watched: Watched, nowMs: number, rssBytes: number, edge: MeasureEdge) {
  if (nowMs < watched.rollupDueMs || rollupWouldStall(rssBytes, edge.config.stallMsMax)) return {};
  const { cost, value } = costed(edge, () => readAndParse(`/proc/${watched.identity.pid}/smaps_rollup`, parseSmapsRollup));
  watched.rollupDueMs = nextDueMs({ costShareMax: edge.config.rollupCostShareMax }, nowMs, cost);
  return value.ok ? value.value : {};
}

function measureCgroup(cgroupPath: string | null): Partial<Measured> {
  // A path that leaves the tree (a process outside our cgroup namespace) is not ours to follow.
  if (cgroupPath === null || cgroupPath === "/" || normalize(cgroupPath) !== cgroupPath) return {};
  const folder = `/sys/fs/cgroup${cgroupPath}`;
  const limit = readAndParse(`${folder}/memory.max`, parseMemoryMax);
  const current = readAndParse(`${folder}/memory.current`, parseByteCount);
  const oomKills = readAndParse(`${folder}/memory.events`, parseMemoryEvents);
  return {
    cgroup_limit_bytes: limit.ok ? limit.value : null,
    cgroup_current_bytes: current.ok ? current.value : null,
    cgroup_oom_kill_count: oomKills.ok ? oomKills.value : null,
  };
}

function costed<T>(edge: Pick<MeasureEdge, "cpuUs">, look: () => T): { cost: number; value: T } {
  const startedUs = edge.cpuUs();
  const value = look();
  return { cost: edge.cpuUs() - startedUs, value };
}
