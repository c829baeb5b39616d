// One row of one process: every figure that is due, read now. A figure not due or not known stays null.
// Its heap is measure-heap.ts's; when rows are due, and what becomes of them, is agent.ts's.
import { normalize } from "node:path";
import { ok, type Result } from "../../schema/result.ts";
import { allocatorOf } from "../heap/allocator.ts";
import { parseByteCount, parseMemoryEvents, parseMemoryMax } from "../proc/cgroup-memory.ts";
import { parseMaps } from "../proc/maps.ts";
import { type ProcError, readAndParse } from "../proc/read.ts";
import { parseSmapsRollup } from "../proc/smaps-rollup.ts";
import { parseStatus } from "../proc/status.ts";
import { nextDueMs, rollupWouldStall } from "./budget.ts";
import { measureHeap } from "./measure-heap.ts";
import type { Measured, MeasureEdge, Watched } from "./watched.ts";

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
