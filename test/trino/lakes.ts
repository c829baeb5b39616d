// The lakes on which both engines are compared: known stories, everything that is odd, data over several days, and nothing.
// Asking them is left to same-rows.ts; a new query needs a row for it in one of these lakes.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findingTable } from "../../functions/core/finding-table.ts";
import { madeTable } from "../../functions/core/made-table.ts";
import { writeParquet } from "../../functions/core/parquet/write.ts";
import { windowParameters } from "../../functions/core/window.ts";
import { rollUpLocally } from "../../local/roll-up-locally.ts";
import { type CollectorSample, type Column, type Finding, type ProcessSample, processColumns } from "../../schema/columns.ts";
import { lakeKey, partitionOf } from "../../schema/keys.ts";
import { recommendationColumns, savingColumns } from "../../schema/made-columns.ts";
import * as acute from "../support/acute-stories.ts";
import { type Delivered, lakeFolder } from "../support/lake.ts";
import { collectorSample, detailSample, hostSample, processSample, samples } from "../support/samples.ts";
import { END_MS, HOUR_MS, MIB, storyParameters, storyRows } from "../support/stories.ts";

export interface TestLake {
  readonly name: string;
  readonly folder: string;
  /** For every query that has a parameter of such a name; what a query's header gives a default may be left out. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

export async function testLakes(): Promise<readonly TestLake[]> {
  return (await lakesOfStories()).map((lake) => ({ ...lake, parameters: { ...aboutAChange(lake), ...lake.parameters } }));
}

/** A change in the middle of the window, of a service that the lakes of odd values and of days have. */
function aboutAChange({ name, parameters }: TestLake): TestLake["parameters"] {
  const middle = Math.round((Number(parameters["window_start"]) + Number(parameters["window_end"])) / 2);
  const service = name === "odd" ? (ODD_SERVICES[0] ?? "") : "service-1";
  return { service, environment: "", changed_from: middle, changed_until: middle };
}

async function lakesOfStories(): Promise<readonly TestLake[]> {
  return [
    {
      name: "stories",
      folder: await lakeFolder([{ samples: samples({ process: storyRows }) }], END_MS, true),
      parameters: { ...storyParameters, hr: 11, ...peakOf(END_MS - 24 * HOUR_MS, 8) },
    },
    await acuteLake(),
    await oddLake(),
    await daysLake(),
    {
      name: "empty",
      folder: await lakeFolder([], END_MS),
      parameters: { ...storyParameters, hr: 11, ...peakOf(END_MS - 24 * HOUR_MS, 8) },
    },
  ];
}

/** Of the queries behind a review: the peak within the window. */
const peakOf = (fromMs: number, hours: number) => ({ peak_from: fromMs, peak_to: fromMs + hours * HOUR_MS });

/** Hosts and processes by the minute, of an hour and of a day. */
async function acuteLake(): Promise<TestLake> {
  const window = { startMs: acute.END_MS - 24 * HOUR_MS, endMs: acute.END_MS };
  const deliveries = acute.storyDeliveries({ ...acute.acuteStories, ...acute.silentStories });
  return {
    name: "acute",
    folder: await lakeFolder(deliveries, acute.END_MS),
    parameters: {
      ...windowParameters(window),
      period_seconds: 3_600,
      bucket_seconds: 1_800,
      hr: 11,
      ...peakOf(acute.END_MS - HOUR_MS, 1),
      reads: "minutes",
    },
  };
}

const LARGEST = Number.MAX_SAFE_INTEGER;
/** In order of their UTF-8 bytes U+FFFD comes before U+1F600; in order of UTF-16 units it would come after. */
const ODD_SERVICES = ["größe-服务-😀", `o'brien "q" %_\\`, "", "Z", "a", "\u{1f600}", "\ufffd", "ä", "NULL", "?"];
/** Not on a whole second: there, counting boundaries and counting whole seconds that have passed differ. */
const ODD_START_MS = Date.UTC(2026, 10, 22, 22, 30, 0, 750);

/** Three periods of an hour across midnight, every delivery twice, two hosts with the same process keys. */
async function oddLake(): Promise<TestLake> {
  const window = { startMs: ODD_START_MS, endMs: ODD_START_MS + 3 * HOUR_MS };
  const process = ODD_SERVICES.flatMap((service, index) => oddProcess(service, 200 + index, index));
  const collector: CollectorSample[] = [0, 1, 2].map((hour) =>
    collectorSample({
      sequence: 900_000 + hour,
      sampled_at: ODD_START_MS + hour * HOUR_MS,
      collector_cpu_us: hour === 1 ? null : LARGEST,
      walk_count: hour,
      tick_ms_max: null,
    }),
  );
  const host = [hostSample({ sequence: 800_000, sampled_at: ODD_START_MS, mem_total_bytes: LARGEST })];
  const there: Delivered = { samples: samples({ process, collector, host }) };
  const elsewhere = { ...there, host: { host_id: "i-😀", boot_id: "11111111-2222" } };
  const folder = await lakeFolder([there, elsewhere, there], window.endMs);
  putFindings(
    folder,
    ODD_SERVICES.flatMap((service, index) => [window.startMs, window.endMs - 1].map((at) => finding(service, index, at))),
  );
  putLedger(folder, ODD_SERVICES, [window.startMs, window.endMs - 1]);
  await rollUpLocally(folder, window, HOUR_MS / 1_000);
  return {
    name: "odd",
    folder,
    parameters: {
      ...windowParameters(window),
      period_seconds: 3_600,
      bucket_seconds: 1_800,
      hr: 23,
      ...peakOf(ODD_START_MS + HOUR_MS, 1),
      reads: "minutes",
    },
  };
}

/** Twelve rows over three hours: NULLs, zeros, ties, halves, the largest integer, and rows on the window's very edges. */
function oddProcess(service: string, pid: number, index: number): ProcessSample[] {
  return Array.from({ length: 13 }, (_, row) => {
    const identity = { service, pid, process_key: `11111111-${pid}-5`, sequence: pid * 1_000 + row };
    // Some rows just before the end of a bucket, the others just at the start of one.
    const sampled_at = ODD_START_MS + row * (HOUR_MS / 4) - (row % 4 === 2 ? 400 : 0);
    // Every fifth process has nothing but its name.
    if (index % 5 === 4) return processSample({ ...identity, sampled_at });
    const live = index === 0 ? 8 : 8 + Math.floor(row / 4) * (index + 1) * MIB;
    return processSample({
      ...everyFigure((place) => ((place + row) % 5 === 0 ? null : (place + index) * MIB + row)),
      ...identity,
      sampled_at,
      comm: row % 2 === 0 ? service : null,
      allocator: "glibc",
      // Another setting in the last hours of some, and one that nobody can see in some of them.
      tunables: row < 6 ? null : index % 3 === 0 ? `MALLOC_ARENA_MAX=2 größe=${service}` : null,
      service_version: row < 8 ? "1" : "größe",
      rss_bytes: index === 1 ? LARGEST : index === 2 ? null : row % 2,
      rss_bytes_max: row,
      anon_bytes: row % 6 === 5 ? null : live + 64 * MIB + 1,
      swap_bytes: 0,
      live_bytes: row % 4 === 3 ? null : live,
      free_bytes: index === 3 ? 0 : 48 * MIB + 7 + row,
      free_chunk_count: index === 3 ? 0 : 2_000 * (1 + Math.floor(row / 4)) + (row % 2),
      free_chunk_bytes_max: index === 3 ? 0 : 9 * MIB - row * MIB * 0.5,
      reclaimable_bytes: index % 2 === 0 ? 24 * MIB + 3 : null,
      non_main_free_bytes: 24 * MIB + 3 + index,
      arena_count: index,
      pinned_bytes_by_size: row === 9 ? [] : [0, LARGEST, row],
    });
  });
}

export const DAYS = 3;
const HOURS_OF_A_DAY = [3, 17];
/** Enough rows that reading a partition costs more than opening it. */
const PROCESSES = 150;
const daysWindow = { startMs: END_MS - DAYS * 24 * HOUR_MS, endMs: END_MS };

/** All tables on three days, the same number of rows on each: what reading one day costs can be told from what all cost. */
async function daysLake(): Promise<TestLake> {
  const hours = Array.from({ length: DAYS }, (_, day) => HOURS_OF_A_DAY.map((hour) => day * 24 + hour)).flat();
  const process = Array.from({ length: PROCESSES }, (_, index) => index).flatMap((index) =>
    hours.flatMap((hour, place) =>
      [0, 30].map((minute, part) => {
        const figure = (factor: number) =>
          Math.round(MIB * factor * (1 + ((index * 7_919 + hour * 104_729 + minute) % 997) / 997));
        return processSample({
          ...everyFigure((place) => figure(place + 1)),
          service: `service-${index % 7}`,
          pid: 1_000 + index,
          process_key: `11111111-${1_000 + index}-5`,
          sequence: index * 100 + place * 2 + part,
          sampled_at: daysWindow.startMs + hour * HOUR_MS + minute * 60_000,
          rss_bytes: figure(400),
          rss_bytes_max: figure(500),
          anon_bytes: figure(390),
          live_bytes: figure(40) + hour * MIB,
          free_bytes: figure(200) + hour * MIB,
          free_chunk_count: 1_000 * (hour + 1),
          free_chunk_bytes_max: Math.round(figure(8) / (hour + 1)),
          reclaimable_bytes: figure(20),
          non_main_free_bytes: figure(10),
          arena_count: 1 + (index % 9),
          allocator: hour < 24 || index % 2 === 0 ? "glibc" : "jemalloc",
          service_version: hour < 48 ? "1" : "2",
        });
      }),
    ),
  );
  const times = hours.map((hour) => daysWindow.startMs + hour * HOUR_MS);
  const folder = await lakeFolder(
    times.map((sampled_at, at) => ({
      samples: samples({
        process: at === 0 ? process : [],
        host: [hostSample({ sampled_at, sequence: 700_000 + at })],
        collector: [collectorSample({ sampled_at, sequence: 600_000 + at, walk_count: at })],
        detail: [detailSample({ sampled_at, event_at: sampled_at, sequence: 500_000 + at, rss_bytes: at * MIB })],
      }),
    })),
    daysWindow.endMs,
  );
  putFindings(
    folder,
    times.map((at, index) => finding(`service-${index}`, index, at)),
  );
  putLedger(
    folder,
    times.map((_, index) => `service-${index}`),
    times,
  );
  await rollUpLocally(folder, daysWindow, HOUR_MS / 1_000);
  return {
    name: "days",
    folder,
    parameters: {
      ...windowParameters(daysWindow),
      period_seconds: 86_400,
      hr: HOURS_OF_A_DAY[0] ?? 0,
      ...peakOf(daysWindow.startMs + 24 * HOUR_MS, 24),
    },
  };
}

/** A value for each column of bytes or counts, by its place in the table: a query may read one that is named nowhere here. */
function everyFigure(valueAt: (place: number) => number | null): Partial<ProcessSample> {
  const names = Object.entries<Column>(processColumns)
    .filter(([, { type, unit }]) => type === "int64" && (unit === "bytes" || unit === "count"))
    .map(([name]) => name);
  return Object.fromEntries(names.map((name, place) => [name, valueAt(place)]));
}

const finding = (service: string, index: number, foundAtMs: number): Finding => ({
  found_at: foundAtMs,
  finding_id: `id-${index}`,
  service,
  cause: index % 2 === 0 ? "leak" : "fragmentation",
  since: foundAtMs - HOUR_MS,
  host_count: 1,
  process_count: 2,
  excess_bytes: index === 0 ? LARGEST : (foundAtMs % 1_000) * MIB,
  reclaimable_bytes: index % 3 === 0 ? null : index,
  evidence: `größer: "${service}"`,
  early_warnings: null,
  state: index % 2 === 0 ? "worse" : null,
  confidence: index % 2 === 0 ? 0.5 : null,
  class_at: index % 2 === 0 ? foundAtMs : null,
});

/** What was recommended and what it saved, of each service at each of these times. */
function putLedger(folder: string, services: readonly string[], times: readonly number[]): void {
  for (const [place, at] of times.entries()) {
    const recommendations = services.map((service, index) => ({
      recommended_at: at,
      finding_id: `id-${index}`,
      service,
      environment: index % 4 === 3 ? "live" : null,
      cause: "fragmentation",
      recommendation_id: `größe "${index}"`,
      title: service,
      setting: index % 2 === 0 ? null : service,
      changes: index % 2 === 0 ? "" : "glibc.arena_max=2",
      bytes_per_process_expected: index === 0 ? LARGEST : null,
      dollars_per_month_least: index % 2 === 0 ? 0.1 : null,
      state: place % 2 === 0 ? "proposed" : "withdrawn",
      withdrawn_because: place % 2 === 0 ? null : service,
    }));
    const savings = services.map((service, index) => ({
      verified_at: at,
      service,
      environment: index % 4 === 3 ? "live" : null,
      recommendation_id: index % 3 === 0 ? null : `größe "${index}"`,
      setting: service,
      changed_at: (times[0] ?? 0) - index * HOUR_MS,
      host_count: 1 + place,
      saved_bytes_per_host: index === 0 ? -LARGEST : null,
      dollars_per_month_most: index === 0 ? -0.5 : null,
      verdict: "helped",
      evidence: service,
    }));
    const put = (key: string, bytes: Uint8Array) => {
      const path = join(folder, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    };
    put(
      lakeKey("recommendation", partitionOf(at), `advice-${at}`),
      writeParquet("recommendation", madeTable(recommendationColumns, recommendations)),
    );
    put(lakeKey("saving", partitionOf(at), `ledger-${at}`), writeParquet("saving", madeTable(savingColumns, savings)));
  }
}

/** One file an hour, as detection writes them. */
function putFindings(folder: string, findings: readonly Finding[]): void {
  for (const [foundAtMs, found] of Map.groupBy(findings, (row) => row.found_at)) {
    const path = join(folder, lakeKey("finding", partitionOf(foundAtMs), `detect-${foundAtMs}`));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, writeParquet("finding", findingTable(found)));
  }
}
