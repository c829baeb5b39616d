// The looks that cost more than a row: maps, and smaps_rollup. Each comes no oftener than its own cost allows, all of them
// together take no more than their share, and whoever has waited longest is next.
import { allocatorOf } from "../heap/allocator.ts";
import { parseMaps } from "../proc/maps.ts";
import { readAndParse } from "../proc/read.ts";
import { parseSmapsRollup } from "../proc/smaps-rollup.ts";
import { goBuildOfProcess } from "../runtime/program-file.ts";
import { type Runtime, recogniseRuntime } from "../runtime/recognise.ts";
import { nextDueMs, rollupWouldStall } from "./budget.ts";
import type { MeasureEdge, Watched } from "./watched.ts";

export type LookEdge = Pick<MeasureEdge, "config" | "cpuUs" | "isInHurry" | "mayLook" | "onLook">;

/**
 * Before the rows of an interval are closed, and for all that get one: maps tell who belongs together. `onFault` hears what
 * nobody foresaw of one process.
 */
export function lookAtAll(
  all: readonly Watched[],
  nowMs: number,
  edge: LookEdge,
  onFault: (pid: number, error: unknown) => void,
): void {
  const each = (look: (watched: Watched, nowMs: number, edge: LookEdge) => void) => (watched: Watched) => {
    try {
      look(watched, nowMs, edge);
    } catch (error) {
      onFault(watched.identity.pid, error);
    }
  };
  all.toSorted((one, other) => order(one.mapsDueMs, other.mapsDueMs)).forEach(each(lookAtMaps));
  all.toSorted((one, other) => order(one.rollupDueMs, other.rollupDueMs)).forEach(each(lookAtRollup));
}

/** Of times that may both be -Infinity, whose difference is no number. */
export const order = (one: number, other: number): number => (one < other ? -1 : one > other ? 1 : 0);

function lookAtMaps(watched: Watched, nowMs: number, edge: LookEdge): void {
  // Once they are looked at in any case: a row without them would name no allocator.
  const isFirst = watched.mapsDueMs === Number.NEGATIVE_INFINITY;
  if (!isFirst && (nowMs < watched.mapsDueMs || !mayLook(nowMs, edge))) return;
  const path = `/proc/${watched.identity.pid}/maps`;
  const maps = costed(watched, "mapsDueMs", nowMs, edge, () => readAndParse(path, parseMaps));
  if (!maps.ok) return;
  const { executablePaths, rings, perfData, ...mappings } = maps.value;
  watched.mappings = mappings;
  watched.hint = allocatorOf(executablePaths);
  watched.rings = rings;
  watched.perfData = perfData;
  watched.runtime = runtimeOf(watched, executablePaths);
}

/** A library may be mapped later, so maps are asked every time; what a program's file says stays true until exec. */
function runtimeOf(watched: Watched, executablePaths: readonly string[]): Runtime | null {
  const { pid, executablePath } = watched.identity;
  const recognised = recogniseRuntime(executablePath, executablePaths);
  if (recognised !== null) return recognised;
  if (watched.goBuild === undefined) watched.goBuild = goBuildOfProcess(pid, executablePath);
  return watched.goBuild === null ? null : { runtime: "go", runtime_version: watched.goBuild.version };
}

function lookAtRollup(watched: Watched, nowMs: number, edge: LookEdge): void {
  watched.rollup = null;
  if (nowMs < watched.rollupDueMs || !mayLook(nowMs, edge)) return;
  // Its largest of the interval: what it had a moment ago it may have again.
  if (rollupWouldStall(watched.rssBytesMax, edge.config.stallMsMax)) return;
  const path = `/proc/${watched.identity.pid}/smaps_rollup`;
  const rollup = costed(watched, "rollupDueMs", nowMs, edge, () => readAndParse(path, parseSmapsRollup));
  if (rollup.ok) watched.rollup = rollup.value;
}

const mayLook = (nowMs: number, edge: LookEdge): boolean => !edge.isInHurry?.() && edge.mayLook(nowMs);

function costed<T>(watched: Watched, due: "mapsDueMs" | "rollupDueMs", nowMs: number, edge: LookEdge, look: () => T): T {
  const startedUs = edge.cpuUs();
  const value = look();
  const costUs = edge.cpuUs() - startedUs;
  watched[due] = nextDueMs({ costShareMax: edge.config.rollupCostShareMax }, nowMs, costUs);
  edge.onLook(costUs);
  return value;
}
