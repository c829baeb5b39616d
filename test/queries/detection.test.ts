// The detection queries on lakes whose story is known: what they must find, and what must stay quiet.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { windowBefore, windowParameters } from "../../functions/core/window.ts";
import type { ResultRow } from "../../functions/edges.ts";
import type { ProcessSample } from "../../schema/columns.ts";
import { withLake } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";

const MIB = 1_024 * 1_024;
const HOUR_MS = 3_600_000;
const PERIOD_MS = 24 * HOUR_MS;
const END_MS = Date.UTC(2026, 10, 23);
const PERIODS = 3;
const window = windowBefore(END_MS, PERIOD_MS, PERIODS);
const parameters = { ...windowParameters(window), period_seconds: PERIOD_MS / 1_000 };

/** Hour by hour over three days; each story tells the figures of one hour of the day on one day, in MiB. */
type Story = (hour: number, day: number) => Partial<Record<keyof ProcessSample, number>>;

const isPeak = (hour: number) => hour >= 10 && hour < 18;

const stories: Readonly<Record<string, Story>> = {
  healthy: (hour) => (isPeak(hour) ? { rss: 400, live: 390, free: 5, anon: 395 } : { rss: 100, live: 90, free: 6, anon: 95 }),
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
  leaking: (hour, day) => {
    const leaked = 40 * day + hour;
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
    isPeak(hour) ? { rss: 400, live: 390, free: 5, anon: 395 } : { rss: 100, live: 90, free: 300, anon: 97, reclaimable: 0 },
} as Readonly<Record<string, (hour: number, day: number) => Record<string, number>>>;

function rowsOf(story: (hour: number, day: number) => Record<string, number>, service: string, pid: number): ProcessSample[] {
  return Array.from({ length: PERIODS * 24 }, (_, index) => {
    const figures = story(index % 24, Math.floor(index / 24));
    const bytes = (name: string) => (figures[name] === undefined ? null : Math.round(figures[name] * MIB));
    return processSample({
      service,
      pid,
      process_key: `11111111-${pid}-5`,
      sequence: pid * 1_000 + index,
      sampled_at: window.startMs + index * HOUR_MS,
      rss_bytes: bytes("rss"),
      anon_bytes: bytes("anon"),
      live_bytes: bytes("live"),
      free_bytes: bytes("free"),
      free_chunk_count: figures["chunks"] ?? null,
      free_chunk_bytes_max: bytes("largest"),
      reclaimable_bytes: bytes("reclaimable"),
      non_main_free_bytes: bytes("otherArenasFree") ?? (figures["live"] === undefined ? null : 0),
      arena_count: figures["arenas"] ?? (figures["live"] === undefined ? null : 1),
    });
  });
}

const process = Object.entries(stories).flatMap(([service, story], index) => rowsOf(story as never, service, 100 + index));
const ask = (query: string, extra = {}) =>
  withLake([{ samples: samples({ process }) }], END_MS, (lake) => lake.run(query, { ...parameters, ...extra }));
const services = (rows: readonly ResultRow[]) => rows.map((row) => String(row["service"]));

test("rss_not_returned names arenas, pinned pages and kept pages apart, and nobody else", async () => {
  const rows = await ask("rss_not_returned");
  deepEqual(
    rows.map((row) => [row["service"], row["cause"]]),
    [
      ["fragmented", "fragmentation"],
      ["retained", "retention"],
      ["arenas", "arena_bloat"],
    ],
  );
  const [fragmented] = rows;
  equal(fragmented?.["held_bytes"], 300 * MIB);
  equal(fragmented?.["live_bytes_trough"], 90 * MIB);
  equal(
    fragmented?.["since"],
    window.startMs + 23 * HOUR_MS,
    "the last hour of the first day: the latest of its least live bytes",
  );
});

test("live_growth names the leak; a cache at its bound, peaks and unseen heaps stay quiet", async () => {
  const rows = await ask("live_growth");
  deepEqual(services(rows), ["leaking"]);
  deepEqual([rows[0]?.["growth_bytes"], rows[0]?.["last_step_bytes"], rows[0]?.["period_count"]], [80 * MIB, 40 * MIB, 3]);
});

test("live_growth needs three periods: from two nobody can tell a leak from a cache that fills", async () => {
  const twoDays = windowParameters(windowBefore(END_MS, PERIOD_MS, 2));
  deepEqual(services(await ask("live_growth", twoDays)), []);
});

test("the classical rules fire for the heap that splits, above their floors alone", async () => {
  deepEqual(services(await ask("free_chunk_count_rising")), ["fragmented"]);
  deepEqual(services(await ask("largest_free_chunk_falling")), ["fragmented"]);
  deepEqual(services(await ask("free_chunk_count_rising", { free_bytes_min: 1_000 * MIB })), []);
  deepEqual(services(await ask("largest_free_chunk_falling", { chunk_ratio_drop_min: 0.99 })), []);
});

test("a sample delivered twice counts once, also in sums", async () => {
  const twice = [{ samples: samples({ process }) }, { samples: samples({ process: [...process].reverse() }) }];
  await withLake(twice, END_MS, async (lake) => {
    const { rows } = await lake.query("SELECT count(*) FROM process");
    const views = await lake.query("SELECT count(*) FROM process_samples");
    deepEqual([rows[0]?.[0], views.rows[0]?.[0]], [2 * process.length, process.length]);
  });
});

test("on an empty lake every query answers with no rows", async () => {
  await withLake([], END_MS, async (lake) => {
    for (const name of lake.catalogue.keys()) deepEqual(await lake.run(name, parameters), [], name);
  });
});
