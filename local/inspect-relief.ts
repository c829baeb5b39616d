// What a relief would return, which call that is, what it may cost and how to ask for it: told before anybody does. Pure.
// Asking is relief.ts's; nothing here changes a process.
import type { Measured } from "../collector/watch/watched.ts";
import { formatBytes, formatDuration } from "../functions/core/units.ts";
import { heldOf, reclaimableIsLeast, reliefCall } from "./inspect-memory.ts";
import { wrap } from "./inspect-text.ts";
import type { MappedRingOf } from "./measure-once.ts";

/**
 * Milliseconds for each returned byte, as trims and purges of 65 real programs took: half of them at most 0.17 ms a MB, the
 * slowest 1.1 (glibc, jemalloc, tcmalloc; two cores).
 */
const USUAL_MS_PER_BYTE = 0.17e-6;
const WORST_MS_PER_BYTE = 1.1e-6;

export interface ReliefPreview {
  readonly call: string;
  /** Null when not known. */
  readonly reclaimable_bytes: number | null;
  /** More may come back: see reclaimableIsLeast. */
  readonly reclaimable_is_least: boolean;
  /** At most, where that is so. */
  readonly stays_bytes: number | null;
  readonly duration_ms_usual: number | null;
  readonly duration_ms_worst: number | null;
  readonly command: string;
  readonly is_possible: boolean;
  readonly obstacle: "unknown_allocator" | "no_shim" | "not_allowed" | "ring_deleted" | "ring_denied" | "ring_refused" | null;
}

export function reliefPreview(row: Measured, mapped: MappedRingOf | null): ReliefPreview {
  const held = heldOf(row);
  const obstacle = obstacleOf(row, mapped);
  const bytes = row.reclaimable_bytes ?? null;
  return {
    call: reliefCall(row.allocator),
    reclaimable_bytes: bytes,
    reclaimable_is_least: reclaimableIsLeast(row),
    stays_bytes: held?.pinnedBytes ?? null,
    duration_ms_usual: bytes === null ? null : bytes * USUAL_MS_PER_BYTE,
    duration_ms_worst: bytes === null ? null : bytes * WORST_MS_PER_BYTE,
    command: `npm run tidemark -- relief ${row.pid}`,
    is_possible: obstacle === null,
    obstacle,
  };
}

function obstacleOf(row: Measured, mapped: MappedRingOf | null): ReliefPreview["obstacle"] {
  // The shim has no call for it, and a program that is linked statically would not load the shim.
  if ((row.allocator ?? "unknown") === "unknown") return "unknown_allocator";
  if (mapped === null) return "no_shim";
  if (!mapped.ring.ok) return mapped.ring.error.reason;
  return mapped.ring.value.header.reliefIsAllowed ? null : "not_allowed";
}

export function reliefText(preview: ReliefPreview, shimPath: string): string {
  const { call, reclaimable_bytes, reclaimable_is_least, stays_bytes, duration_ms_usual, duration_ms_worst, command } = preview;
  if (preview.obstacle === "unknown_allocator")
    return "Relief: not possible, because the allocator of this process is not known.";
  const [least, most] = reclaimable_is_least ? ["at least ", "at most "] : ["", ""];
  const returns =
    reclaimable_bytes === null
      ? `Relief: ${call}. What it would return is not known.`
      : `Relief: ${call} would return ${least}${formatBytes(reclaimable_bytes)} now; ${most}${formatBytes(stays_bytes)} of free memory would stay.`;
  if (reclaimable_bytes === 0 && !reclaimable_is_least) return wrap(`Relief: ${call} would return nothing now.`).join("\n");
  const stall =
    duration_ms_usual === null
      ? "It holds locks of the allocator while it works: threads that allocate meanwhile wait."
      : `It would take ${least}${formatDuration(duration_ms_usual)}, ${formatDuration(duration_ms_worst)} at worst (measured: 0.2 to 1.1 s a GB returned), and holds each arena's lock while it works there: threads that allocate in that arena wait. Memory that is needed again is faulted in anew.`;
  return [returns, stall, ...howTo(preview, command, shimPath)].flatMap((text) => wrap(text)).join("\n");
}

/** An indented line is one to paste. */
function howTo({ obstacle }: ReliefPreview, command: string, shimPath: string): readonly string[] {
  switch (obstacle) {
    case null:
      return ["To do it:", `  ${command}`];
    case "no_shim":
      return [
        "Not possible now: the shim is not in this process. Start it with",
        `  LD_PRELOAD=${shimPath} TIDEMARK_RELIEF=1`,
        "and then ask with",
        `  ${command}`,
      ];
    case "not_allowed":
      return ["Not allowed: the shim is in this process, but it was not started with", "  TIDEMARK_RELIEF=1"];
    case "ring_denied":
      return ["Not possible for this user; as root, or as the user of the process:", `  sudo ${command}`];
    default:
      return ["Not possible: the file by which the shim is asked is gone, or not what it should be. Start the process again."];
  }
}
