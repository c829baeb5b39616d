// Where the resident memory of a process is, as parts that add up to it, and the bar that shows them in plain characters. Pure.
// Judging it is inspect-verdict.ts's, the rest of the screen inspect-text.ts's.
import type { Measured } from "../collector/watch/watched.ts";
import { formatBytes, formatShare } from "../functions/core/units.ts";

export interface Part {
  /** Its character in the bar. */
  readonly mark: string;
  readonly name: string;
  readonly bytes: number;
  readonly meaning: string;
}

/** Free memory on resident pages, and what a relief would leave of it; null when the heap is not known. */
export interface Held {
  readonly heldBytes: number;
  readonly reclaimableBytes: number;
  readonly pinnedBytes: number;
}

export function heldOf({ free_resident_bytes: heldBytes, reclaimable_bytes, live_bytes }: Measured): Held | null {
  if (live_bytes == null || heldBytes == null || reclaimable_bytes == null) return null;
  const reclaimableBytes = Math.min(reclaimable_bytes, heldBytes);
  return { heldBytes, reclaimableBytes, pinnedBytes: heldBytes - reclaimableBytes };
}

/** Beyond this share of the free bytes fastbins matter: measured, forecasts were 40 to 68 % too low with 26,000 chunks and more there. */
const FASTBIN_SHARE_MAX = 0.01;
/** From this version of glibc on there are none. */
const WITHOUT_FASTBINS = [2, 43] as const;

/** Whether a trim may return more than is known: it joins the chunks of fastbins first, and whole pages may come of them. */
export function reclaimableIsLeast({ heap_source, fastbin_bytes, free_bytes, allocator_version }: Measured): boolean {
  if (heap_source !== "walk") return false;
  if (fastbin_bytes != null) return fastbin_bytes > FASTBIN_SHARE_MAX * (free_bytes ?? 0);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(allocator_version ?? "") ?? [];
  const [lastMajor, lastMinor] = WITHOUT_FASTBINS;
  return !(Number(major) > lastMajor || (Number(major) === lastMajor && Number(minor) >= lastMinor));
}

/** The call that gives memory back, as its allocator names it. */
export const reliefCall = (allocator: string | null | undefined): string =>
  calls.get(allocator ?? "") ?? "a call that its allocator may have";
const calls: ReadonlyMap<string, string> = new Map([
  ["glibc", "malloc_trim(0)"],
  ["jemalloc", "a purge of all arenas"],
  ["tcmalloc", "ReleaseFreeMemory"],
  ["mimalloc", "mi_collect(true)"],
]);

/**
 * Parts of RSS; where figures of different moments, or upper bounds, exceed it, the least sure are cut. Empty when RSS is not
 * known; without heap figures only what the kernel tells.
 */
export function partsOf(row: Measured): readonly Part[] {
  let left = row.rss_bytes ?? 0;
  const take = (bytes: number | null | undefined): number => {
    const taken = Math.min(left, Math.max(0, bytes ?? 0));
    left -= taken;
    return taken;
  };
  const files = take((row.file_bytes ?? 0) + (row.shmem_bytes ?? 0));
  const held = heldOf(row);
  const heap = held === null ? [] : heapParts(row, held, take);
  return [
    ...heap,
    {
      mark: "~",
      name: "other",
      bytes: left,
      meaning: held === null ? "heap, stacks, runtime" : "stacks, runtime, other memory",
    },
    { mark: "=", name: "files", bytes: files, meaning: "mapped files and shared memory" },
  ].filter(({ bytes }) => bytes > 0);
}

function heapParts(row: Measured, held: Held, take: (bytes: number | null | undefined) => number): Part[] {
  const byWalk = row.heap_source === "walk";
  const parkedBytes = byWalk ? (row.tcache_bytes ?? 0) + (row.fastbin_bytes ?? 0) : (row.cache_bytes ?? 0);
  // tcmalloc alone counts what its caches keep among the free.
  const parkedIsFree = row.allocator === "tcmalloc";
  const inUseBytes = byWalk ? residentInUseBytes(row, held) : (row.live_bytes ?? 0);
  // Surest first: what an allocator calls its bookkeeping need not be resident.
  const live = take(inUseBytes - (parkedIsFree ? 0 : parkedBytes));
  const parked = take(parkedBytes);
  const reclaimable = take(held.reclaimableBytes);
  const pinned = take(held.pinnedBytes - (parkedIsFree ? parkedBytes : 0));
  const metadata = take(row.metadata_bytes);
  const parkedIn = parkedIsFree ? "freed: in caches, and in spans that are used in part" : "freed, but kept in caches";
  return [
    { mark: "#", name: "live", bytes: live, meaning: "in use by the program" },
    { mark: "+", name: "parked", bytes: parked, meaning: byWalk ? "freed, but kept in tcaches and fastbins" : parkedIn },
    { mark: "x", name: "free, pinned", bytes: pinned, meaning: "live objects hold its pages" },
    { mark: ".", name: "free, reclaimable", bytes: reclaimable, meaning: `${reliefCall(row.allocator)} gives it back` },
    { mark: "-", name: "bookkeeping", bytes: metadata, meaning: "the allocator's own" },
  ];
}

/** What the pages of the arenas hold that is neither free nor bookkeeping, and the chunks with a mapping of their own. */
const residentInUseBytes = (row: Measured, held: Held): number =>
  (row.heap_resident_bytes ?? 0) - held.heldBytes - (row.metadata_bytes ?? 0) + (row.mmapped_bytes ?? 0);

/** As many characters as `width`, at least one for every part that there is. */
export function barOf(parts: readonly Part[], width: number): string {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total === 0) return "";
  const widths = parts.map(({ bytes }) => Math.max(1, Math.floor((bytes / total) * width)));
  const used = widths.reduce((sum, cells) => sum + cells, 0);
  // What rounding left over, or took too much, is the widest one's.
  const widest = widths.indexOf(Math.max(...widths));
  return parts.map(({ mark }, at) => mark.repeat(Math.max(0, (widths[at] ?? 0) + (at === widest ? width - used : 0)))).join("");
}

/** One line a part: mark, name, bytes, share, meaning. */
export function legendOf(parts: readonly Part[]): readonly string[] {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return parts.map(({ mark, name, bytes, meaning }) =>
    `${mark} ${name.padEnd(18)}${formatBytes(bytes).padStart(9)}${formatShare(bytes / total).padStart(9)}  ${meaning}`.trimEnd(),
  );
}
