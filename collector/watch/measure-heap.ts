// The heap columns of one row: from the shim's ring where that is the only way, else from a walk when one is due.
// What the kernel says of the process is measure.ts's.

import type { Result } from "../../schema/result.ts";
import { needsShim, servedBy } from "../heap/allocator.ts";
import { glibcVersion } from "../heap/glibc-version.ts";
import type { Ring } from "../heap/ring.ts";
import { readingOf, tellsLive } from "../heap/ring-figures.ts";
import { type RingFault, type RingOwner, readFailures, readRing } from "../heap/ring-file.ts";
import type { Walk } from "../heap/walk-line.ts";
import { tunablesInEffect } from "../identity/service.ts";
import { nextDueMs } from "./budget.ts";
import { failuresFileOf, familyOf, type Tellers } from "./families.ts";
import type { Measured, MeasureEdge, Watched } from "./watched.ts";

export interface HeapMoment extends RingOwner {
  readonly nowMs: number;
  readonly virtualBytesMax: number | null;
}

/** All columns about the heap; what is not due or not known is left out. */
export async function measureHeap(watched: Watched, moment: HeapMoment, edge: MeasureEdge): Promise<Partial<Measured>> {
  const ring = ringOf(watched, moment);
  const header = ring?.ok ? ring.value.header : null;
  const served = servedBy(watched.hint, header?.allocator ?? null);
  const columns = {
    ...tunables(watched, header?.tunables ?? null),
    ...failures(watched, moment, edge.tellers),
  };
  if (needsShim(served)) {
    const allocator = { allocator: served, allocator_version: header?.allocator_version ?? null };
    return { ...columns, ...allocator, ...shimColumns(watched, ring, moment, edge.config.histogramMs) };
  }
  const walk = served === "glibc" ? await walkIfDue(watched, moment.nowMs, edge) : null;
  return {
    ...columns,
    ...allocatorColumns(watched, served),
    ...walkColumns(watched, walk, moment.nowMs, edge.config.histogramMs),
  };
}

function ringOf(watched: Watched, owner: RingOwner): Result<Ring, RingFault> | null {
  const file = watched.rings.find(({ kind }) => kind === "ring");
  return file === undefined ? null : readRing(owner, file);
}

function failures(watched: Watched, owner: RingOwner, tellers: Tellers): Partial<Measured> {
  const file = failuresFileOf(watched.rings);
  if (file === undefined || tellers.get(familyOf(file)) !== owner.pid) return {};
  const read = readFailures(owner, file);
  return read.ok ? { alloc_failure_count: read.value.failure_count } : {};
}

function tunables({ identity }: Watched, inEffect: string | null): Partial<Measured> {
  return inEffect === null ? {} : { tunables: tunablesInEffect(inEffect, identity.tunables) };
}

function shimColumns(
  watched: Watched,
  ring: Result<Ring, RingFault> | null,
  moment: HeapMoment,
  histogramMs: number,
): Partial<Measured> {
  if (ring === null) return { heap_unknown_reason: watched.hint.hasShim ? "shim_silent" : "no_shim" };
  const source = { heap_source: "shim" };
  if (!ring.ok) return { ...source, heap_unknown_reason: ring.error.reason };
  const reading = readingOf(ring.value, moment);
  if (reading.kind === "unknown") return { ...source, heap_unknown_reason: reading.reason };
  const { figures, probe_cpu_us } = reading;
  const silence = tellsLive(figures) ? {} : { heap_unknown_reason: "allocator_silent" };
  return { ...source, ...silence, probe_cpu_us, ...withHistograms(watched, figures, moment.nowMs, histogramMs) };
}

async function walkIfDue(watched: Watched, nowMs: number, edge: MeasureEdge): Promise<Walk | null> {
  if (nowMs < watched.walkDueMs || !edge.mayWalk()) return null;
  const walk = await edge.walker.walk(watched.identity.pid, edge.config.walkCpuUsMax);
  watched.walkDueMs = nextDueMs({ costShareMax: edge.config.walkCostShareMax }, nowMs, walk.walk_cpu_us);
  watched.heapIsGlibc = heapIsGlibc(walk) ?? watched.heapIsGlibc;
  edge.onWalk(walk);
  return walk;
}

/** Null where the walk ended before it could tell. */
function heapIsGlibc(walk: Walk): boolean | null {
  if (walk.kind === "figures") return walk.allocator === "glibc";
  return walk.reason === "no_heap" || walk.reason === "layout" ? false : null;
}

function allocatorColumns({ hint, identity, heapIsGlibc }: Watched, served: string): Partial<Measured> {
  if (served === "glibc" && heapIsGlibc === false) return { allocator: "unknown", allocator_version: null };
  const isGlibc = hint.allocator === "glibc" && served === "glibc" && hint.libraryPath !== null;
  return { allocator: served, allocator_version: isGlibc ? glibcVersion(identity.pid, hint.libraryPath) : null };
}

function walkColumns(watched: Watched, walk: Walk | null, nowMs: number, histogramMs: number): Partial<Measured> {
  if (walk === null) return {};
  const cost = {
    heap_source: "walk",
    walk_cpu_us: walk.walk_cpu_us,
    ...(walk.vma_count === null ? {} : { vma_count: walk.vma_count }),
  };
  if (walk.kind === "unknown") return { ...cost, heap_unknown_reason: walk.reason };
  return { ...cost, ...withHistograms(watched, walk.figures, nowMs, histogramMs) };
}

/** The histograms are most of a row's bytes and change slowly, so they come now and then. */
function withHistograms<F extends object>(watched: Watched, figures: F, nowMs: number, histogramMs: number): Partial<Measured> {
  if (nowMs < watched.histogramDueMs) return { ...figures, free_bytes_by_size: null, pinned_bytes_by_size: null };
  watched.histogramDueMs = nowMs + histogramMs;
  return figures;
}
