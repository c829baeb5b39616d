// From a ring to the heap columns of a row: whether its newest record may be believed, and what it says. Pure.
// Reading the ring is ring-file.ts's; which process has one is watch/'s.
import type { Ring, RingFigures } from "./ring.ts";

/** A record older than this many intervals says how it was, not how it is. */
const FRESH_INTERVALS = 3;
/** Allocators have an arena a thread or a few a processor. */
const ARENA_COUNT_MAX = 1_000_000;

export type RingColumns = RingFigures & { readonly free_resident_bytes: number | null };

export type RingReading =
  | { readonly kind: "figures"; readonly figures: RingColumns; readonly probe_cpu_us: number | null }
  /** The reason is one of the column heap_unknown_reason. */
  | { readonly kind: "unknown"; readonly reason: "no_record" | "stale_ring" | "ring_refused" };
/** What is in use is the one figure without which the others mean little. */
export const tellsLive = (figures: RingFigures): boolean => figures.live_bytes !== null;

export interface RingMoment {
  readonly nowMs: number;
  /** The most address space that the process ever had: no true figure exceeds it. Null when not known. */
  readonly virtualBytesMax: number | null;
}

export function readingOf(ring: Ring, { nowMs, virtualBytesMax }: RingMoment): RingReading {
  const newest = ring.records[0];
  if (newest === undefined) return { kind: "unknown", reason: "no_record" };
  const { intervalMs } = ring.header;
  if (intervalMs === null) return { kind: "unknown", reason: "ring_refused" };
  // Either way: a record of the future is one from before the clock was set back.
  if (Math.abs(nowMs - newest.sampledMs) > FRESH_INTERVALS * intervalMs) return { kind: "unknown", reason: "stale_ring" };
  if (!isPlausible(newest.figures, virtualBytesMax)) return { kind: "unknown", reason: "ring_refused" };
  const { figures, probe_cpu_us } = newest;
  return { kind: "figures", figures: { ...figures, free_resident_bytes: freeResidentBytes(figures) }, probe_cpu_us };
}

/** A process may write what it likes into its ring; one that claims a petabyte must not stand in the fleet's sums. */
function isPlausible(figures: RingFigures, virtualBytesMax: number | null): boolean {
  const { arena_count, free_bytes_by_size, pinned_bytes_by_size, ...bytes } = figures;
  const most = virtualBytesMax ?? Number.POSITIVE_INFINITY;
  const sums = [free_bytes_by_size, pinned_bytes_by_size].map((bins) => bins?.reduce((sum, bin) => sum + bin, 0) ?? 0);
  return (arena_count ?? 0) <= ARENA_COUNT_MAX && [...Object.values(bytes), ...sums].every((figure) => (figure ?? 0) <= most);
}

/**
 * All that the shim calls free is backed by memory, for what was given back is not in it. jemalloc alone counts its
 * bookkeeping among it, and is the one that tells what is resident.
 */
function freeResidentBytes({ heap_resident_bytes, free_bytes, metadata_bytes }: RingFigures): number | null {
  if (free_bytes === null) return null;
  return heap_resident_bytes === null ? free_bytes : Math.max(0, free_bytes - (metadata_bytes ?? 0));
}
