// Three days of traffic in which every service has a known story, one for each cause and each thing that only looks like one.
// What the queries make of it is left to the tests that tell it.
import { windowBefore, windowParameters } from "../../functions/core/window.ts";
import type { ProcessSample } from "../../schema/columns.ts";
import { processSample } from "./samples.ts";

export const MIB = 1_024 * 1_024;
export const HOUR_MS = 3_600_000;
export const PERIOD_MS = 24 * HOUR_MS;
export const END_MS = Date.UTC(2026, 10, 23);
const PERIODS = 3;
export const storyWindow = windowBefore(END_MS, PERIOD_MS, PERIODS);
export const storyParameters = { ...windowParameters(storyWindow), period_seconds: PERIOD_MS / 1_000 };

/** Hour by hour over three days; each story tells the figures of one hour of the day on one day, in MiB or as a count. */
type Figure =
  | "rss"
  | "anon"
  | "live"
  | "free"
  | "held"
  | "largestArena"
  | "chunks"
  | "largest"
  | "reclaimable"
  | "otherArenasFree"
  | "arenas"
  | "tcache"
  | "file"
  | "vma"
  | "failures";
type Story = (hour: number, day: number) => Partial<Record<Figure, number>>;

const isPeak = (hour: number) => hour >= 10 && hour < 18;

const stories: Readonly<Record<string, Story>> = {
  healthy: (hour) => healthyFigures(hour),
  // Survivors pin the pages: live returns, memory stays, in ever more and smaller pieces; a trim would return little.
  fragmented: (hour, day) =>
    isPeak(hour)
      ? { rss: 400, live: 390, free: 5, anon: 395, chunks: 100, largest: 1 }
      : { rss: 400, live: 90, free: 300, anon: 395, chunks: 50_000 * (day + 1), largest: 8 / (day + 1), reclaimable: 20 },
  retained: (hour) =>
    isPeak(hour) ? { rss: 400, live: 390, free: 5, anon: 395 } : { rss: 400, live: 90, free: 300, anon: 395, reclaimable: 280 },
  arenas: (hour) => ({
    rss: 400,
    live: isPeak(hour) ? 40 : 20,
    free: 370,
    anon: 395,
    reclaimable: 300,
    otherArenasFree: 350,
    arenas: 32,
  }),
  // What requests forget at the peak is there from then on.
  leaking: (hour, day) => {
    const leaked = 40 * day + (hour >= 10 ? 40 : 0);
    return isPeak(hour)
      ? { rss: 400 + leaked, live: 390 + leaked, free: 5, anon: 395 + leaked }
      : { rss: 100 + leaked, live: 90 + leaked, free: 6, anon: 98 + leaked };
  },
  // Fills on the first day, then stays at its bound.
  cache: (hour, day) =>
    day === 0
      ? { rss: 100 + 10 * hour, live: 90 + 10 * hour, free: 5, anon: 98 + 10 * hour }
      : { rss: 340, live: 330, free: 5, anon: 337 },
  // The heap cannot be read: nothing may be claimed about it.
  unseen: (hour) => (isPeak(hour) ? { rss: 400, anon: 395 } : { rss: 390, anon: 385 }),
  // All ratios of the fragmented one, in bytes that nobody misses.
  tiny: (hour) =>
    isPeak(hour)
      ? { rss: 8, live: 7, free: 0.1, anon: 7.5 }
      : { rss: 8, live: 1, free: 6, anon: 7.5, chunks: 4_000, largest: 0.01, reclaimable: 0.1 },
  // Free memory that a trim has already given back is not resident: address space, not memory.
  trimmed: (hour) =>
    isPeak(hour)
      ? { rss: 400, live: 390, free: 5, anon: 395 }
      : { rss: 100, live: 90, free: 300, held: 4, anon: 97, reclaimable: 0 },
  // Memory that is allocated but was never touched hides nothing: what is free and resident counts, whatever anon says.
  untouched: (hour) =>
    isPeak(hour)
      ? { rss: 400, live: 900, free: 5, anon: 395 }
      : { rss: 400, live: 600, free: 300, anon: 395, reclaimable: 280 },
  // A mapping of the program's own is no held memory of the heap.
  ownMapping: (hour) =>
    isPeak(hour)
      ? { rss: 500, live: 390, free: 5, anon: 495 }
      : { rss: 190, live: 90, free: 300, held: 2, anon: 187, reclaimable: 0 },
  // Many arenas, but one of them has it all: fewer arenas would change nothing.
  oneArena: (hour) =>
    isPeak(hour)
      ? { rss: 400, live: 390, free: 5, anon: 395 }
      : { rss: 400, live: 90, free: 300, anon: 395, reclaimable: 20, otherArenasFree: 290, arenas: 8, largestArena: 380 },
  // Held all the time, with no peak in sight: two troughs that agree are enough.
  steady: () => ({ rss: 400, live: 90, free: 300, anon: 395, reclaimable: 20 }),
  // Started on the second day: its first trough is the start of the program, not of a leak.
  late: (hour, day) =>
    day === 0 || (day === 1 && hour < 9) ? {} : { rss: 400, live: day === 1 && hour < 11 ? 10 : 390, free: 5, anon: 395 },
  // Fragmented, and dead since the second day: what it held is free.
  dead: (hour, day) =>
    day === 2
      ? {}
      : isPeak(hour)
        ? { rss: 400, live: 390, free: 5, anon: 395 }
        : { rss: 400, live: 90, free: 300, anon: 395, reclaimable: 20 },

  // Has the pid of the one above on the last day, and is healthy.
  reusing: (hour, day) => (day === 2 ? healthyFigures(hour) : {}),
  // Started three hours before the end, by a deploy or because more were needed, and large at once.
  deployed: (hour, day) =>
    day === 2 && hour >= 21 ? { rss: 100 * (hour - 20), live: 95 * (hour - 20), free: 2, anon: 97 * (hour - 20) } : {},
  // Large for an hour each night, and gone.
  cron: (hour) => (hour === 3 ? { rss: 800, live: 300, free: 490, anon: 795, reclaimable: 480 } : {}),
  // A failure before its first row is no failure of this window; the count never falls in truth, but damage may say so.
  counterReset: (hour, day) => ({ ...healthyFigures(hour), failures: day === 0 ? 7 : 0 }),
  // Every third hour was lost.
  gaps: (hour) => (hour % 3 === 1 ? {} : healthyFigures(hour)),
  // What the program freed and a thread's cache keeps looks live from outside: no leak, although it grows.
  parked: (hour, day) => ({
    rss: 100 + 4 * hour + 20 * day,
    live: 90 + 4 * hour + 20 * day,
    tcache: 4 * hour + 20 * day,
    free: 5,
    anon: 98 + 4 * hour + 20 * day,
    reclaimable: 1,
  }),

  failing: (hour) => ({
    ...(isPeak(hour)
      ? { rss: 400, live: 390, free: 5, anon: 395 }
      : { rss: 400, live: 90, free: 300, anon: 395, reclaimable: 20 }),
    failures: hour >= 17 ? 3 : 0,
  }),
  mapping: (hour, day) => ({ ...healthyFigures(hour), vma: 40 + 200 * (day * 24 + hour) }),
  filling: (hour, day) => ({ ...healthyFigures(hour), file: 10 + 2 * (day * 24 + hour) }),
  // Outside of malloc: a runtime's arenas, grown at the first peak and never given back.
  runtime: (hour, day) =>
    day === 0 && hour < 10 ? { rss: 40, live: 8, free: 1, anon: 35 } : { rss: 140, live: 8, free: 1, anon: 135 },
  // The same where the heap cannot be read: nobody can say who has it.
  unseenGrowth: (hour, day) => (day === 0 && hour < 10 ? { rss: 40, anon: 35 } : { rss: 140, anon: 135 }),
};

function healthyFigures(hour: number): Partial<Record<Figure, number>> {
  return isPeak(hour) ? { rss: 400, live: 390, free: 5, anon: 395 } : { rss: 100, live: 90, free: 6, anon: 95 };
}

/** Stories of programs that had the pid of another one after it was gone: one process, and then another. */
const reusedPids: Readonly<Record<string, string>> = { reusing: "dead" };

function rowsOf(story: Story, service: string, pid: number, start: number): ProcessSample[] {
  // An hour without any figure is one in which the process did not exist.
  return Array.from({ length: PERIODS * 24 }, (_, index) => index).flatMap((index) => {
    const figures = story(index % 24, Math.floor(index / 24));
    if (Object.keys(figures).length === 0) return [];
    const bytes = (name: Figure) => (figures[name] === undefined ? null : Math.round(figures[name] * MIB));
    const heap = figures.live === undefined ? null : Math.round((figures.live + (figures.free ?? 0)) * MIB);
    return processSample({
      service,
      pid,
      process_key: `11111111-${pid}-${start}`,
      sequence: start * 1_000_000 + pid * 1_000 + index,
      sampled_at: storyWindow.startMs + index * HOUR_MS,
      rss_bytes: bytes("rss"),
      anon_bytes: bytes("anon"),
      live_bytes: bytes("live"),
      free_bytes: bytes("free"),
      free_resident_bytes: bytes("held") ?? bytes("free"),
      top_bytes: figures.live === undefined ? null : 0,
      heap_bytes: heap,
      free_chunk_count: figures.chunks ?? null,
      free_chunk_bytes_max: bytes("largest"),
      reclaimable_bytes: bytes("reclaimable"),
      non_main_free_bytes: bytes("otherArenasFree") ?? (figures.live === undefined ? null : 0),
      tcache_bytes: bytes("tcache"),
      file_bytes: bytes("file"),
      vma_count: figures.vma ?? 40,
      vma_count_limit: 65_530,
      alloc_failure_count: figures.failures ?? null,
      arena_count: figures.arenas ?? (figures.live === undefined ? null : 1),
      arena_count_over_1mib: figures.arenas ?? (figures.live === undefined ? null : 1),
      non_main_arena_bytes: bytes("otherArenasFree") ?? (figures.live === undefined ? null : 0),
      arena_bytes_max: bytes("largestArena") ?? (heap === null ? null : Math.round(heap / (figures.arenas ?? 1))),
    });
  });
}

const names = Object.keys(stories);

export const storyRows: readonly ProcessSample[] = Object.entries(stories).flatMap(([service, story], index) => {
  const before = reusedPids[service];
  return before === undefined ? rowsOf(story, service, 100 + index, 5) : rowsOf(story, service, 100 + names.indexOf(before), 6);
});
