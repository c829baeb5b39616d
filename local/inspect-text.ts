// The plain answer of tidemark inspect: fragmented or not, how much would come back, what pins it. Pure.
// It judges one moment; whether it lasts over peaks is for detection.
import type { Measured } from "../collector/watch/measure.ts";
import { heapUnknownText } from "../functions/core/heap-unknown.ts";
import { largestPins } from "../functions/core/pins.ts";
import { formatBytes, formatCount, formatShare, formatSizeBin } from "../functions/core/units.ts";

/** Less free memory than this is nobody's problem, whatever its share. */
const HELD_BYTES_MIN = 8 * 1_024 * 1_024;
const HELD_SHARE_MIN = 0.3;
const PINNED_BY_MAX = 3;

export function inspectText(row: Measured): string {
  const allocator = [row.allocator ?? "unknown", row.allocator_version ?? ""].join(" ").trim();
  const head = `${row.service} (pid ${row.pid}), ${allocator}, RSS ${formatBytes(row.rss_bytes)}, PSS ${formatBytes(row.pss_bytes)}`;
  return `${head}\n${verdict(row)}`;
}

function verdict(row: Measured): string {
  const { live_bytes, free_bytes, free_resident_bytes: held, reclaimable_bytes } = row;
  if (live_bytes == null || free_bytes == null || held == null || reclaimable_bytes == null) {
    return `Fragmented? Unknown. ${heapUnknownText(row.heap_unknown_reason ?? null, row.allocator ?? null)}`;
  }
  const share = held / Math.max(1, row.rss_bytes ?? 0);
  const figures =
    `live ${formatBytes(live_bytes)}, free ${formatBytes(free_bytes)} in ${formatCount(row.free_chunk_count)} chunks ` +
    `(largest ${formatBytes(row.free_chunk_bytes_max)}, tops ${formatBytes(row.top_bytes)}), ${formatCount(row.arena_count)} arenas`;
  if (held < HELD_BYTES_MIN || share < HELD_SHARE_MIN) {
    return `Fragmented? No: ${formatBytes(held)} of the resident memory is free (${formatShare(share)}). ${figures}`;
  }
  const pinned = held - reclaimable_bytes;
  const lines = [
    `Fragmented? ${pinned > reclaimable_bytes ? "Yes" : "Not much, but memory is kept"}: ${formatBytes(held)} of the resident memory is free (${formatShare(share)}). ${figures}`,
    `A malloc_trim now would return ${formatBytes(reclaimable_bytes)}; ${formatBytes(pinned)} would stay.`,
  ];
  const pins = pinsText(row.pinned_bytes_by_size ?? []);
  if (pins !== "") lines.push(`What pins it: live objects of ${pins}.`);
  if ((row.arena_count ?? 0) > 1) {
    lines.push(`Of the free memory, ${formatBytes(row.non_main_free_bytes)} lies in the arenas of threads.`);
  }
  return lines.join("\n");
}

const pinsText = (pinnedBytesBySize: readonly number[]): string =>
  largestPins(pinnedBytesBySize, PINNED_BY_MAX)
    .map((pin) => `${formatSizeBin(pin.chunk_bytes_min)} (hold ${formatBytes(pin.pinned_bytes)} around them)`)
    .join(", ");
