// What is known of a process that is watched, what measuring it needs from outside, and the row that comes of it.
// Measuring is measure.ts's and measure-heap.ts's.
import type { ProcessSample } from "../../schema/columns.ts";
import type { CollectorConfig } from "../config.ts";
import type { AllocatorHint } from "../heap/allocator.ts";
import type { Walk } from "../heap/walk-line.ts";
import type { Walker } from "../heap/walker.ts";
import type { MappedRing } from "../proc/maps.ts";
import type { Tellers } from "./families.ts";
import type { ProcessIdentity } from "./identify.ts";

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
