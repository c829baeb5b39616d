// The detection queries on lakes whose story is known: what they must find, and what must stay quiet.
import { deepEqual, equal } from "node:assert/strict";
import { after, before, test } from "node:test";
import { windowBefore, windowParameters } from "../../functions/core/window.ts";
import type { ResultRow } from "../../functions/edges.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { lakeFolder, withLake } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";
import {
  END_MS,
  HOUR_MS,
  MIB,
  PERIOD_MS,
  storyParameters as parameters,
  storyRows as process,
  storyWindow as window,
} from "../support/stories.ts";

// One lake for all questions: three days of hours take seconds to roll up.
let lake: Lake;
before(async () => {
  lake = await openLake(await lakeFolder([{ samples: samples({ process }) }], END_MS, true));
});
after(() => lake.close());

const ask = (query: string, extra = {}) => lake.run(query, { ...parameters, ...extra });
const services = (rows: readonly ResultRow[]) => rows.map((row) => String(row["service"]));

test("rss_not_returned names arenas, pinned pages and kept pages apart, and nobody else", async () => {
  const rows = await ask("rss_not_returned");
  deepEqual(
    rows.map((row) => [row["service"], row["cause"]]),
    [
      ["fragmented", "fragmentation"],
      ["retained", "retention"],
      ["arenas", "arena_bloat"],
      ["untouched", "retention"],
      ["oneArena", "fragmentation"],
      ["steady", "fragmentation"],
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
    for (const name of lake.catalogue.keys()) deepEqual(await lake.run(name, { ...parameters, hr: 0 }), [], name);
  });
});

test("live_growth finds a leak of a week in spite of one dip and of a new service name, and does not count the start", async () => {
  const days = 7;
  const week = windowBefore(END_MS, PERIOD_MS, days);
  const rows = (service: (day: number) => string, pid: number, live: (day: number) => number | null) =>
    Array.from({ length: days * 4 }, (_, index) => index).flatMap((index) => {
      const day = Math.floor(index / 4);
      const bytes = live(day);
      const sampled_at = week.startMs + day * PERIOD_MS + (index % 4) * HOUR_MS;
      return bytes === null
        ? []
        : [
            processSample({
              service: service(day),
              pid,
              process_key: `11111111-${pid}-5`,
              sequence: pid * 100 + index,
              sampled_at,
              live_bytes: bytes * MIB,
            }),
          ];
    });
  const process = [
    ...rows(
      () => "dipping",
      1,
      (day) => 100 + 200 * day - (day === 4 ? 201 : 0),
    ),
    ...rows(
      (day) => (day < 3 ? "before" : "after"),
      2,
      (day) => 100 + 100 * day,
    ),
    // Two gigabytes at the start, then nothing more: its first complete day is where comparing begins.
    ...rows(
      () => "starting",
      3,
      (day) => (day === 0 ? 10 : 2_048),
    ),
    ...rows(
      () => "sawtooth",
      4,
      (day) => 100 + 60 * (day % 2) + 20 * day,
    ),
  ];
  const lakeOfWeek = await openLake(await lakeFolder([{ samples: samples({ process }) }], END_MS, true));
  const found = await lakeOfWeek.run("live_growth", { ...windowParameters(week), period_seconds: PERIOD_MS / 1_000 });
  lakeOfWeek.close();
  deepEqual(services(found), ["dipping", "after"]);
});
