// The detection queries on lakes whose story is known: what they must find, and what must stay quiet.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, test } from "node:test";
import { windowBefore, windowParameters } from "../../functions/core/window.ts";
import type { ResultRow } from "../../functions/edges.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import type { ProcessSample } from "../../schema/columns.ts";
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

test("process_causes names each cause, and says nothing of what only looks like one", async () => {
  const rows = await ask("process_causes");
  deepEqual(Object.fromEntries(rows.map((row) => [row["service"], row["cause"]])), {
    fragmented: "fragmentation",
    retained: "retention",
    arenas: "arena_bloat",
    untouched: "retention",
    oneArena: "fragmentation",
    steady: "fragmentation",
    parked: "retention",
    leaking: "leak",
    failing: "alloc_failure",
    mapping: "mapping_growth",
    filling: "file_growth",
    runtime: "runtime_heap",
    unseenGrowth: "unknown",
  });
});

test("process_causes shows the figures that led to a cause, and since when it has held", async () => {
  const rows = Object.fromEntries((await ask("process_causes")).map((row) => [row["service"], row]));
  const { fragmented, leaking, failing, mapping } = rows;
  deepEqual(
    [fragmented?.["held_bytes"], fragmented?.["excess_bytes"], fragmented?.["live_bytes_valley"], fragmented?.["confidence"]],
    [300 * MIB, 300 * MIB, 90 * MIB, 1],
  );
  ok(Number(fragmented?.["since"]) < window.startMs + PERIOD_MS, "from the first night after the first peak");
  deepEqual(
    [leaking?.["in_use_bytes_first"], leaking?.["excess_bytes"], leaking?.["late_growth_bytes"]],
    [92 * MIB, 80 * MIB, 40 * MIB],
  );
  equal(failing?.["failure_count"], 3);
  equal(mapping?.["since"], window.startMs + 17 * HOUR_MS, "a twentieth of the limit");
});

test("process_causes: one night's valley is enough for what is held, and for a leak it takes a third one", async () => {
  const causesOf = async (days: number, service: string) => {
    const until = { ...windowParameters({ startMs: window.startMs, endMs: window.startMs + days * PERIOD_MS }) };
    return (await ask("process_causes", until)).filter((row) => row["service"] === service).map((row) => row["cause"]);
  };
  deepEqual(await causesOf(1, "fragmented"), ["fragmentation"]);
  deepEqual(await causesOf(2, "leaking"), []);
  deepEqual(await causesOf(3, "leaking"), ["leak"]);
});

test("process_causes: every threshold is a floor of bytes as well as a share", async () => {
  deepEqual(services(await ask("process_causes", { excess_bytes_min: 400 * MIB })), ["failing", "mapping"]);
  deepEqual(services(await ask("process_causes", { held_share_min: 0.99, growth_share_min: 100, mapping_share_min: 0.99 })), [
    "failing",
  ]);
  const held = await ask("process_causes", { excess_bytes_min: 300 * MIB });
  ok(services(held).includes("fragmented"), "exactly as much as the floor is enough");
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
    const ofType = { timestamp: END_MS - HOUR_MS, date: "2026-11-01", bigint: 1, double: 1, varchar: "none" };
    for (const { name, parameters: asked } of lake.catalogue.values()) {
      const needed = asked.filter((one) => one.defaultText === null && !(one.name in parameters));
      const given = Object.fromEntries(needed.map((one) => [one.name, ofType[one.type]]));
      deepEqual(await lake.run(name, { ...parameters, ...given }), [], name);
    }
  });
});

test("process_causes finds a leak of a week in spite of one dip and of a new service name, and does not count the start", async () => {
  const days = 7;
  const week = windowBefore(END_MS, PERIOD_MS, days);
  const hours = 24;
  const rows = (service: (day: number) => string, pid: number, live: (day: number) => number): ProcessSample[] =>
    Array.from({ length: days * hours }, (_, index) => {
      const day = Math.floor(index / hours);
      const inUse = live(day) + (index % hours >= 12 ? 400 : 0);
      return processSample({
        service: service(day),
        pid,
        process_key: `11111111-${pid}-5`,
        sequence: pid * 1_000 + index,
        sampled_at: week.startMs + day * PERIOD_MS + (index % hours) * HOUR_MS,
        rss_bytes: (inUse + 10) * MIB,
        anon_bytes: (inUse + 5) * MIB,
        live_bytes: inUse * MIB,
        free_bytes: 2 * MIB,
      });
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
    // Two gigabytes after the first day, then nothing more: memory that is used is not memory that grows.
    ...rows(
      () => "starting",
      3,
      (day) => (day === 0 ? 10 : 2_048),
    ),
    ...rows(
      () => "sawtooth",
      4,
      (day) => 100 + 60 * (day % 2),
    ),
  ];
  const lakeOfWeek = await openLake(await lakeFolder([{ samples: samples({ process }) }], END_MS, true));
  const found = await lakeOfWeek.run("process_causes", windowParameters(week));
  lakeOfWeek.close();
  deepEqual(
    found.map((row) => [row["service"], row["cause"]]),
    [
      ["dipping", "leak"],
      ["after", "leak"],
    ],
  );
});
