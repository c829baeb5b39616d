// When a setting of glibc's malloc helps. The constants were fitted to the measured mitigations (docs/advice.md).
import { formatBytes, formatCount, formatCountOf, formatShare } from "../units.ts";
import { AFTER_PEAK, type Effect, holdsMemory, not, type Remedy, restartCanary, sameSettingRollback } from "./remedy.ts";
import type { Situation } from "./situation.ts";
import { bytesOf } from "./tunables.ts";

/** glibc's own default, and what the fixed thresholds were measured with. */
const THRESHOLD = 131_072;
const ARENA_MAX = 2;
/** An arena limit is worth a look when at least so much of the free memory lies outside the main arena. */
const NON_MAIN_SHARE_MIN = 0.2;
/** Below this part of the held memory the tops are not what holds it. */
const TOP_SHARE_MIN = 0.1;
/** One free chunk with at least this part of the free memory sits under something that stays. */
const LARGEST_SHARE_MIN = 0.5;
/** Where less could come back, what cannot be told beforehand is not worth a try. */
const RECLAIMABLE_BYTES_MIN = 4_194_304;
/** So many chunks with a mapping of their own are too many, as a part of what the kernel allows. */
const MMAPPED_SHARE_MIN = 0.05;

const isGlibc = ({ kind, libc }: Situation): boolean => kind === "glibc" && libc !== "musl";

export const glibcRemedies: readonly Remedy[] = [
  {
    id: "glibc.arena_max",
    title: `Allow ${ARENA_MAX} arenas`,
    effort: "setting",
    risk: "Threads that allocate at the same time wait for each other; with the mmap threshold fixed as well it has made things worse.",
    speed: "None with few threads; with many that allocate all the time up to tens of per cent. Watch latency on the canary.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge(situation) {
      const { figures, heldBytes, settings } = situation;
      if (!isGlibc(situation) || !holdsMemory(situation) || heldBytes === null) return null;
      const inEffect = bytesOf(settings.byKnob.get("glibc.arena_max"));
      if (inEffect !== null && inEffect > 0 && inEffect <= ARENA_MAX) return not(`arena_max is ${inEffect} already`);
      const free = figures.non_main_free_bytes ?? figures.non_main_arena_bytes ?? null;
      const arenas = figures.arena_count_over_1mib ?? figures.arena_count ?? null;
      if (arenas !== null && arenas <= ARENA_MAX)
        return not(`${formatCountOf(arenas, "arena holds", "arenas hold")} the memory: there is nothing to join`);
      if (free !== null && free < NON_MAIN_SHARE_MIN * heldBytes)
        return not(`the main arena holds nearly all of it: only ${formatBytes(free)} lies in those of threads`);
      const effect = arenaEffect(situation, heldBytes, Math.min(free ?? heldBytes, heldBytes));
      if (effect !== null && effect.likely < TOP_SHARE_MIN * heldBytes)
        return not(
          `the threads peaked together: ${formatBytes(figures.live_bytes_peak)} were live at once, so that fewer arenas would hold about as much`,
        );
      return {
        kind: "advised",
        changes: [{ knob: "glibc.arena_max", value: String(ARENA_MAX) }],
        effect,
        why: [
          `${formatCount(arenas)} arenas each keep the memory of their own peak; ${formatBytes(free)} lies in those of threads. Shared arenas need room for the largest sum only.`,
        ],
      };
    },
  },
  {
    id: "glibc.trim_threshold",
    title: "Fix the trim threshold at 128 KiB",
    effort: "setting",
    risk: "It fixes the mmap threshold as well: blocks from 128 KiB on get mappings of their own (vm.max_map_count).",
    speed:
      "A brk or madvise and page faults when a heap's top comes and goes: 1.8 times the CPU of a program that does little else; 350 KB malloc, touch and free 34 to 142-162 us.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge(situation) {
      const { figures, heldBytes, settings } = situation;
      if (!isGlibc(situation) || !holdsMemory(situation) || heldBytes === null) return null;
      const inEffect = bytesOf(settings.byKnob.get("glibc.trim_threshold"));
      if (inEffect !== null && inEffect <= THRESHOLD) return not(`trim_threshold is ${formatBytes(inEffect)} already`);
      const top = figures.top_bytes ?? null;
      if (top === null) return null;
      if (top < TOP_SHARE_MIN * heldBytes)
        return not(
          `the tops of the arenas are ${formatBytes(top)} (${formatShare(top / heldBytes)}) only: the rest lies below live chunks, where this threshold never looks`,
        );
      const kept = (figures.arena_count_over_1mib ?? 1) * THRESHOLD;
      const likely = Math.max(0, Math.min(top, heldBytes) - kept);
      return {
        kind: "advised",
        changes: [{ knob: "glibc.trim_threshold", value: String(THRESHOLD) }],
        effect: { least: Math.round(likely / 2), likely, most: heldBytes, basis: "the tops of the arenas less 128 KiB each" },
        why: [
          `${formatBytes(top)} is free at the tops of the arenas, and ${inEffect === null ? "the dynamic threshold, which one large free() raised," : `the threshold of ${formatBytes(inEffect)}`} keeps it there.`,
        ],
      };
    },
  },
  {
    id: "glibc.mmap_threshold",
    title: "Fix the mmap threshold at 128 KiB",
    effort: "setting",
    risk: "Each block from 128 KiB on is a mapping (vm.max_map_count). It does nothing where smaller blocks make up the heap.",
    speed: "350 KB malloc, touch and free 34 to 142-162 us: an mmap, page faults and a munmap each time.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge(situation) {
      const { figures, settings, reclaimableBytes } = situation;
      if (!isGlibc(situation)) return null;
      const inEffect = bytesOf(settings.byKnob.get("glibc.mmap_threshold"));
      const mappings = mmappedShare(situation);
      if (situation.cause === "mapping_growth" || mappings >= MMAPPED_SHARE_MIN) return raiseMmapThreshold(situation, inEffect);
      if (!holdsMemory(situation)) return null;
      if (inEffect !== null) return not(`mmap_threshold is fixed at ${formatBytes(inEffect)} already`);
      const { free_bytes, free_chunk_count, free_chunk_bytes_max } = figures;
      if (free_chunk_bytes_max != null && free_chunk_bytes_max < THRESHOLD)
        return not(
          `no free chunk is larger than ${formatBytes(free_chunk_bytes_max)}: small blocks made this heap, and they never get mappings`,
        );
      const mean = free_bytes == null || !free_chunk_count ? null : free_bytes / free_chunk_count;
      if ((reclaimableBytes ?? 0) < RECLAIMABLE_BYTES_MIN) return null;
      if (mean === null) return null;
      if (mean < THRESHOLD)
        return not(`free chunks are ${formatBytes(mean)} on average: small blocks made this heap, and they never get mappings`);
      return {
        kind: "advised",
        changes: [{ knob: "glibc.mmap_threshold", value: String(THRESHOLD) }],
        effect: null,
        why: [
          `Free chunks are ${formatBytes(mean)} on average. Where blocks of at least 128 KiB made them, and a freed larger one raised the dynamic threshold, those would go back at once (up to ${formatBytes(reclaimableBytes)}); where small blocks made them, it does nothing.`,
        ],
      };
    },
  },
  {
    id: "glibc.tcache_count",
    title: "Switch tcache off",
    effort: "setting",
    risk: "It helps only where a chunk parked in a thread's cache sits above the free memory.",
    speed: "malloc and free of small sizes take a lock each: measured 1.8 times the CPU of a program that does little else.",
    canary: restartCanary,
    rollback: sameSettingRollback,
    judge(situation) {
      const { figures, heldBytes } = situation;
      if (!isGlibc(situation) || !holdsMemory(situation) || heldBytes === null) return null;
      const { tcache_bytes, tcache_chunk_count, free_bytes, free_chunk_bytes_max, top_bytes } = figures;
      if ((situation.reclaimableBytes ?? 0) < RECLAIMABLE_BYTES_MIN) return null;
      if (tcache_chunk_count === 0) return not("no chunk is parked in a tcache");
      const largest = free_bytes ? (free_chunk_bytes_max ?? 0) / free_bytes : 0;
      if (largest < LARGEST_SHARE_MIN || (top_bytes ?? 0) >= TOP_SHARE_MIN * heldBytes)
        return not(
          tcache_bytes == null
            ? "the free memory is not one block under a small chunk, which is how a parked chunk holds memory"
            : `tcaches park ${formatBytes(tcache_bytes)} only, and the free memory is not one block under a small chunk`,
        );
      return {
        kind: "advised",
        changes: [{ knob: "glibc.tcache_count", value: "0" }],
        effect: null,
        why: [
          `One free chunk of ${formatBytes(free_chunk_bytes_max)} lies right under the top: something small above it keeps it. If that is a chunk parked in a tcache, all of it goes back; if the program holds it, nothing.`,
        ],
      };
    },
  },
];

/**
 * Arenas that are shared need room for the largest sum of live bytes; arenas apart, for the sum of each one's largest.
 * What is held beyond the first is what sharing can give back, but never more than lies outside the main arena.
 */
function arenaEffect({ figures }: Situation, heldBytes: number, nonMainBytes: number): Effect | null {
  const { live_bytes, live_bytes_peak } = figures;
  if (live_bytes == null || live_bytes_peak == null) return null;
  const likely = Math.min(Math.max(0, live_bytes + heldBytes - live_bytes_peak), nonMainBytes);
  return {
    least: Math.round(likely / 2),
    likely,
    most: nonMainBytes,
    basis: "live and held memory at the trough less live memory at the peak",
  };
}

const mmappedShare = ({ figures: { mmapped_count, vma_count_limit } }: Situation): number =>
  mmapped_count == null || !vma_count_limit ? 0 : mmapped_count / vma_count_limit;

function raiseMmapThreshold({ figures, settings, shimPath }: Situation, inEffect: number | null) {
  const { mmapped_count, mmapped_bytes } = figures;
  if (!mmapped_count) return not("malloc has no chunks with mappings of their own: the program maps by itself");
  if (inEffect !== null && inEffect >= THRESHOLD)
    return not(`mmap_threshold is ${formatBytes(inEffect)} already, and lower is what makes mappings`);
  if (inEffect === null && settings.isKnown)
    return not("mmap_threshold is at its default; larger blocks than 128 KiB make the mappings");
  return {
    kind: "advised",
    changes: [
      { knob: "glibc.mmap_threshold", value: String(THRESHOLD) },
      { knob: "loader.preload", value: shimPath },
      { knob: "tidemark.relief", value: "1" },
    ],
    effect: null,
    goesFirst: true,
    condition:
      "Not without relief after the peak: what went back with each mapping stays in the heap otherwise (measured 126 MB before, 258 without relief, 113 with it)",
    forms: [{ name: AFTER_PEAK, text: "tidemark relief <pid> --timeout 5m" }],
    why: [
      `${formatCount(mmapped_count)} chunks, ${formatBytes(mmapped_bytes)} in all, have a mapping each${inEffect === null ? "" : `, because the threshold is ${formatBytes(inEffect)}`}: they use up vm.max_map_count.`,
    ],
  } as const;
}
