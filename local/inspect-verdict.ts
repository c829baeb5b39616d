// What tidemark inspect says first: fragmented or not, how much would come back, and where nothing can be said, why and what to do.
// It judges one moment; whether it lasts over peaks is for detection. Pure.
import type { Measured } from "../collector/watch/watched.ts";
import { advise } from "../functions/core/advice/advise.ts";
import { inputOf } from "../functions/core/advice/inputs.ts";
import { heapUnknownText } from "../functions/core/heap-unknown.ts";
import { formatBytes, formatShare } from "../functions/core/units.ts";
import { heldOf, reclaimableIsLeast, reliefCall } from "./inspect-memory.ts";

/** Less free memory than this is nobody's problem, whatever its share. */
const HELD_BYTES_MIN = 8 * 1_024 * 1_024;
const HELD_SHARE_MIN = 0.3;
/** Anonymous memory that is worth asking about when the heap does not hold it. */
const OUTSIDE_BYTES_MIN = 64 * 1_024 * 1_024;
const COVERED_SHARE_MIN = 0.1;

/** Sentences, the verdict first. `shimPath` is where the shim lies on this machine. */
export function verdictOf(row: Measured, shimPath: string): readonly string[] {
  const held = heldOf(row);
  if (held === null) {
    const text = `Fragmented? Unknown. ${heapUnknownText(row.heap_unknown_reason ?? null, row.allocator ?? null)}`;
    const advice = adviceOn(row, shimPath);
    return [text, ...advice];
  }
  const { heldBytes, reclaimableBytes, pinnedBytes } = held;
  const share = heldBytes / Math.max(1, row.rss_bytes ?? 0);
  const free = `${formatBytes(heldBytes)} of the resident memory is free (${formatShare(share)}).`;
  const notOneMoment = "One moment cannot tell a leak: tidemark watch and tidemark report compare peaks.";
  if (heldBytes < HELD_BYTES_MIN || share < HELD_SHARE_MIN) return [`Fragmented? No: ${free}`, ...outside(row), notOneMoment];
  const isLeast = reclaimableIsLeast(row);
  const answer = pinnedBytes > reclaimableBytes ? (isLeast ? "Perhaps" : "Yes") : "Not much, but memory is kept";
  const call = row.allocator === "glibc" ? "A malloc_trim" : `Relief (${reliefCall(row.allocator)})`;
  return [
    `Fragmented? ${answer}: ${free}`,
    isLeast
      ? `${call} now would return at least ${formatBytes(reclaimableBytes)}: how much more cannot be told, for it joins ${fastbins(row)} first.`
      : `${call} now would return ${formatBytes(reclaimableBytes)}; ${formatBytes(pinnedBytes)} would stay.`,
    ...whatHelps(row, pinnedBytes > reclaimableBytes, shimPath),
    ...outside(row),
    notOneMoment,
  ];
}

/** The first recommendation for such a heap; the indented lines are to be pasted. */
function whatHelps(row: Measured, isPinned: boolean, shimPath: string): readonly string[] {
  const { recommendations } = advise(inputOf(row, { cause: causeOf(row, isPinned), fleet: null, shimPath }));
  const [first, second] = recommendations;
  if (first === undefined) return [];
  const { title, effect, setting, condition } = first;
  const bytes = effect === null ? "" : `, about ${formatBytes(effect.likely)} back: ${effect.basis}`;
  const next = second === undefined ? "" : ` Or: ${uncapital(second.title)}.`;
  const mind = condition === null ? "" : ` ${condition}.`;
  // On a terminal a command is typed for this process.
  const lines = setting.split("\n").map((line) => `  ${line.replace("<pid>", String(row.pid))}`);
  return [`What would help: ${uncapital(title)}${bytes}.${next}${mind}`, ...(setting === "" ? [] : lines)];
}

/** Of one moment, as if it were a trough: what holds the free memory now. */
function causeOf({ non_main_free_bytes, free_bytes }: Measured, isPinned: boolean): string {
  if (non_main_free_bytes != null && non_main_free_bytes >= (free_bytes ?? 0) / 2 && non_main_free_bytes > 0)
    return "arena_bloat";
  return isPinned ? "fragmentation" : "retention";
}

/** The first word of a title within a sentence, unless it is a name. */
const uncapital = (title: string): string =>
  /^[A-Z][a-z]+ /.test(title) ? `${title.charAt(0).toLowerCase()}${title.slice(1)}` : title;

const fastbins = ({ fastbin_bytes }: Measured): string =>
  fastbin_bytes == null ? "the chunks of fastbins" : `${formatBytes(fastbin_bytes)} of chunks in fastbins`;

/** Figures of glibc's heap are true for what they cover; where that is next to nothing, it has to be said. */
function outside(row: Measured): readonly string[] {
  if (row.heap_source !== "walk" || row.anon_bytes == null || row.anon_bytes < OUTSIDE_BYTES_MIN) return [];
  const share = ((row.heap_resident_bytes ?? 0) + (row.mmapped_bytes ?? 0)) / row.anon_bytes;
  if (share >= COVERED_SHARE_MIN) return [];
  return [
    `But glibc's heap is only ${formatShare(share)} of the anonymous memory: a runtime's own heap (JVM, V8, Go) or an allocator linked into the program holds the rest, and of that nothing is said here.`,
  ];
}

const otherAllocator =
  "Programs that are linked statically, use musl, or bring their own heap (Go, some Rust) cannot be seen from outside: ask the runtime itself. What the kernel tells is below.";

/** What to do about it; an indented line is one to paste. */
function adviceOn(row: Measured, shimPath: string): readonly string[] {
  switch (row.heap_unknown_reason) {
    case "denied":
    case "ring_denied":
      return ["To see it:", `  sudo npm run tidemark -- inspect ${row.pid}`];
    case "no_shim":
    case "ring_deleted":
      return ['To see it, start the program with (docs/deploy.md, "Preload the shim"):', `  LD_PRELOAD=${shimPath}`];
    case "budget":
      return [
        "To see it, allow this one look more:",
        `  TIDEMARK_WALK_CPU_US_MAX=60000000 npm run tidemark -- inspect ${row.pid}`,
      ];
    case "changed":
    case "no_record":
      return ["To see it: ask again."];
    case "shim_silent":
      return [
        "To see it: ask again in a second. If it stays so: is there the folder, with a quarter of its file system free, and no seccomp filter?",
      ];
    case "stale_ring":
      return ["To see it: let the process go on (ps shows state T when it is stopped), and ask again."];
    case "ring_refused":
      return ["To see it: start the program again, with the shim of the same version as this command."];
    case "swapped":
      return ["What is known: swap, above. To see the heap, ask again when it is back in memory."];
    case "no_pagemap":
      return ["To see it: ask as root of the host, not in a container that hides /proc/pid/pagemap."];
    case "walker_failed":
      return ["To see it: build the walker (make -C native) or name it in TIDEMARK_WALKER, and ask again."];
    case "allocator_silent":
      return ["What it does tell is below. MIMALLOC_SHOW_STATS=1 makes the program print more when it ends."];
    case "layout":
    case "no_heap":
      return [otherAllocator];
    default:
      return row.heap_unknown_reason == null && (row.allocator ?? "unknown") === "unknown" ? [otherAllocator] : [];
  }
}
