// What is known of a process that is watched, what measuring it needs from outside, and the row that comes of it.
// Measuring is measure.ts's and measure-heap.ts's.
import type { ProcessSample } from "../../schema/columns.ts";
import type { CollectorConfig } from "../config.ts";
import type { AllocatorHint } from "../heap/allocator.ts";
import type { Walk } from "../heap/walk-line.ts";
import type { Walker } from "../heap/walker.ts";
import type { MappedFile, MappedRing, Maps } from "../proc/maps.ts";
import type { SmapsRollup } from "../proc/smaps-rollup.ts";
import type { GoBuild } from "../runtime/go-build.ts";
import type { Jvm } from "../runtime/jvm.ts";
import type { Runtime } from "../runtime/recognise.ts";
import type { Tellers } from "./families.ts";
import type { ProcessIdentity } from "./identify.ts";
import type { Cgroups } from "./measure-cgroup.ts";

/** What is kept of a process between its rows. */
export interface Watched {
  readonly identity: ProcessIdentity;
  rssBytesMax: number;
  hint: AllocatorHint;
  /** Files of our preloaded libraries that it has mapped. */
  rings: readonly MappedRing[];
  /** Whether the last walk that could tell found glibc's heap; null before. A mapped libc need not serve malloc. */
  heapIsGlibc: boolean | null;
  /** What the last look at its maps counted; null before. */
  mappings: Pick<Maps, "vma_count" | "small_mapping_count" | "small_mapping_bytes"> | null;
  runtime: Runtime | null;
  /** What its program's file says of Go; undefined while nobody has had to look. */
  goBuild: GoBuild | null | undefined;
  /** Where its JVM writes figures. */
  perfData: MappedFile | null;
  /** What is kept of its JVM; null before the first row, and where there is none. */
  jvm: Jvm | null;
  /** When its last row was closed (ms): whoever has waited longest is next. */
  rowedMs: number;
  /** Read for the row that is about to be closed. */
  rollup: SmapsRollup | null;
  /** Times (ms) before which the costly looks must not be repeated. All of them by a clock that is never set. */
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
  mappings: null,
  runtime: null,
  goBuild: undefined,
  perfData: null,
  jvm: null,
  rowedMs: Number.NEGATIVE_INFINITY,
  rollup: null,
  mapsDueMs: Number.NEGATIVE_INFINITY,
  rollupDueMs: Number.NEGATIVE_INFINITY,
  walkDueMs: nowMs,
  histogramDueMs: Number.NEGATIVE_INFINITY,
});

/**
 * The same process under a new name. What it may cost has not changed, so its budgets go on; after exec its memory is
 * another, so what was seen of that is forgotten.
 */
export function keepWatching(known: Watched, identity: ProcessIdentity): Watched {
  const { rowedMs, rollupDueMs, walkDueMs } = known;
  // Maps are looked at once in any case: the new program may have another allocator.
  const budgets = { rowedMs, rollupDueMs, walkDueMs };
  const sameProgram = known.identity.executablePath === identity.executablePath;
  return sameProgram ? { ...known, identity } : { ...startWatching(identity), ...budgets };
}

export interface MeasureEdge {
  readonly config: CollectorConfig;
  readonly walker: Walker;
  /** Whose row tells the failed allocations that several processes count together. */
  readonly tellers: Tellers;
  /** The groups of this round of rows. */
  readonly cgroups: Cgroups;
  /** vm.max_map_count, the same for all processes. */
  readonly vmaCountLimit: number | null;
  /** Whether the collector is told to stop: walks, maps and rollups are then left out, and the rows are its last. */
  isInHurry?(): boolean;
  /** CPU time of this process so far, in microseconds. */
  cpuUs(): number;
  /** Whether the budget of all walks together has something left. */
  mayWalk(): boolean;
  /** The same for maps and smaps_rollup, and what one of them took of it. */
  mayLook(nowMs: number): boolean;
  onLook(costUs: number): void;
  onWalk(walk: Walk): void;
}

export type Measured = Omit<ProcessSample, "sequence">;
/** All rows of a round have one date, by another clock than that of what is due. */
export type Undated = Omit<Measured, "sampled_at">;
