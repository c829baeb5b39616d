// The peaks of services whose days are known: where each was found, and how much of it stayed.
// What people are told of a peak is test/functions/core/peaks.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, test } from "node:test";
import { windowBefore, windowParameters } from "../../functions/core/window.ts";
import type { ResultRow } from "../../functions/edges.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import type { ProcessSample } from "../../schema/columns.ts";
import { lakeFolder, withLake } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1_024 * 1_024;
const END_MS = Date.UTC(2026, 10, 23);
const DAYS = 3;
const window = windowBefore(END_MS, DAY_MS, DAYS);
const parameters = { ...windowParameters(window), period_seconds: DAY_MS / 1_000 };

interface Figures {
  /** MiB of each process. */
  readonly rss: number;
  readonly live?: number;
  readonly processes?: number;
}
type Story = (hour: number, day: number) => Figures;
const isPeak = (hour: number) => hour >= 10 && hour < 18;

const stories: Readonly<Record<string, Story>> = {
  // All goes back, live and RSS.
  healthy: (hour) => (isPeak(hour) ? { rss: 400, live: 300 } : { rss: 100, live: 80 }),
  // Live goes back, three quarters of RSS stay after the first peak, and more after each further one.
  ratchet: (hour, day) =>
    isPeak(hour)
      ? { rss: 500 + 100 * day, live: 400 }
      : { rss: day === 0 && hour < 10 ? 100 : 400 + 100 * (hour < 10 ? day - 1 : day), live: 80 },
  // Ten times the processes at the peak, none of them larger.
  scaling: (hour) => (isPeak(hour) ? { rss: 102, live: 80, processes: 10 } : { rss: 100, live: 80, processes: 1 }),
  // Two humps with an hour between them are one peak.
  humps: (hour) => (isPeak(hour) && hour !== 13 ? { rss: 400, live: 300 } : { rss: 100, live: 80 }),
  // No heap figures: RSS is what there is.
  unwalked: (hour) => (isPeak(hour) ? { rss: 400 } : { rss: 100 }),
  // Over midnight: the peak of one night is one peak.
  nightly: (hour) => (hour >= 22 || hour < 4 ? { rss: 400, live: 300 } : { rss: 100, live: 80 }),
  flat: (hour) => ({ rss: 400 + (hour % 3), live: 300 + (hour % 3) }),
  tiny: (hour) => (isPeak(hour) ? { rss: 8, live: 7 } : { rss: 2, live: 1 }),
};

const rows = (service: string, story: Story, index: number): ProcessSample[] =>
  Array.from({ length: DAYS * 24 }, (_, at) => at).flatMap((at) => {
    const { rss, live, processes = 1 } = story(at % 24, Math.floor(at / 24));
    return Array.from({ length: processes }, (_, process) =>
      processSample({
        service,
        environment: "live",
        pid: 1_000 * index + process,
        process_key: `11111111-${1_000 * index + process}-5`,
        sequence: 1_000_000 * index + 1_000 * process + at,
        sampled_at: window.startMs + at * HOUR_MS,
        rss_bytes: rss * MIB,
        rss_bytes_max: rss * MIB,
        live_bytes: live === undefined ? null : live * MIB,
      }),
    );
  });

let lake: Lake;
before(async () => {
  const process = Object.entries(stories).flatMap(([service, story], index) => rows(service, story, index + 1));
  lake = await openLake(await lakeFolder([{ samples: samples({ process }) }], END_MS, true));
});
after(() => lake.close());

const peaksOf = async (service: string, extra = {}): Promise<readonly ResultRow[]> =>
  (await lake.run("peaks", { ...parameters, ...extra })).filter((row) => row["service"] === service);
const column = (found: readonly ResultRow[], name: string) => found.map((row) => row[name]);
const ratio = (value: unknown) => (typeof value === "number" ? Math.round(value * 100) / 100 : value);

test("each day's peak is found by live bytes, with its first and last hour", async () => {
  const found = await peaksOf("healthy");
  deepEqual(column(found, "peak_number"), [1, 2, 3]);
  deepEqual(column(found, "found_by"), ["live", "live", "live"]);
  equal(found[1]?.["peak_first_hour"], window.startMs + DAY_MS + 10 * HOUR_MS);
  equal(found[1]?.["peak_last_hour"], window.startMs + DAY_MS + 17 * HOUR_MS);
  deepEqual([found[0]?.["live_bytes_peak"], found[0]?.["live_bytes_before"]], [300 * MIB, 80 * MIB]);
});

test("the ratchet is 0 where all went back, of RSS and of live alike", async () => {
  const found = await peaksOf("healthy");
  deepEqual(column(found, "rss_ratchet"), [0, 0, 0]);
  deepEqual(column(found, "live_ratchet"), [0, 0, 0]);
});

test("RSS that stays while live goes back shows in the ratchet, and each peak is compared with the one before", async () => {
  const found = await peaksOf("ratchet");
  deepEqual(column(found, "rss_ratchet").map(ratio), [0.75, 0.5, 0.5]);
  deepEqual(column(found, "live_ratchet"), [0, 0, 0]);
  deepEqual(column(found, "rss_ratchet_of_last_peak").map(ratio), [null, 0.75, 0.5]);
  deepEqual(column(found, "rss_bytes_peak_since_last_peak"), [null, 100 * MIB, 100 * MIB]);
  deepEqual(column(found, "rss_bytes_after_since_last_peak"), [300 * MIB, 100 * MIB, 100 * MIB]);
});

test("a service that only has more processes at its peak has none; neither has one that is flat or tiny", async () => {
  for (const service of ["scaling", "flat", "tiny"]) deepEqual(await peaksOf(service), [], service);
  ok((await peaksOf("tiny", { rise_bytes_min: 5 * MIB })).length === DAYS, "the floor is what keeps it quiet");
});

test("the rise may be as small as the floor, and no smaller", async () => {
  equal((await peaksOf("healthy", { rise_bytes_min: 220 * MIB })).length, DAYS);
  equal((await peaksOf("healthy", { rise_bytes_min: 220 * MIB + 1 })).length, 0);
});

test("a dip within a peak does not end it, and midnight does not either", async () => {
  equal((await peaksOf("humps")).length, DAYS);
  const nights = await peaksOf("nightly");
  // The night before the first day, two whole ones, and the evening of the last.
  deepEqual(
    nights.map((row) => (Number(row["peak_last_hour"]) - Number(row["peak_first_hour"])) / HOUR_MS),
    [3, 5, 5, 1],
  );
  deepEqual([nights[0]?.["rss_bytes_before"], nights[0]?.["rss_ratchet"]], [null, null], "nothing is known of before it");
  deepEqual([nights[3]?.["rss_bytes_after"], nights[3]?.["rss_ratchet"]], [null, null], "it is not over");
});

test("without heap figures peaks are found by RSS, and live is not claimed", async () => {
  const found = await peaksOf("unwalked");
  deepEqual(column(found, "found_by"), ["rss", "rss", "rss"]);
  deepEqual(column(found, "live_ratchet"), [null, null, null]);
});

test("hours that are given are a peak whatever they show, beside those that were found", async () => {
  const peak_start = window.startMs + DAY_MS + 2 * HOUR_MS;
  const given = { peak_start, peak_end: peak_start + 4 * HOUR_MS };
  const flat = await peaksOf("flat", given);
  deepEqual(column(flat, "found_by"), ["given"]);
  deepEqual(
    [flat[0]?.["peak_first_hour"], flat[0]?.["peak_last_hour"], flat[0]?.["rss_ratchet"]],
    [peak_start, peak_start + 3 * HOUR_MS, null],
  );
  deepEqual(column(await peaksOf("healthy", given), "found_by"), ["live", "given", "live"]);
});

test("an empty lake has no peaks", async () => {
  await withLake([], END_MS, async (empty) => deepEqual(await empty.run("peaks", parameters), []));
});
