// npm run scale: fills a lake as a large fleet would and times what works on it; --docs writes docs/scale.md's table.
// Making the lake is fleet.ts's. It takes disk (some 15 GB at the defaults) and most of an hour the first time; later it is kept.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { detectAcute } from "../../functions/ask/acute.ts";
import { detect } from "../../functions/ask/detection.ts";
import { askReview } from "../../functions/ask/review.ts";
import { askWeekly } from "../../functions/ask/weekly.ts";
import { renderReview } from "../../functions/core/review/page.ts";
import { reviewSpans } from "../../functions/core/review/span.ts";
import { formatBytes } from "../../functions/core/units.ts";
import { renderWeekly } from "../../functions/core/weekly/page.ts";
import { windowBefore, windowParameters } from "../../functions/core/window.ts";
import { wholeNumber } from "../../local/arguments.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { rollUpLocally } from "../../local/roll-up-locally.ts";
import { printTable } from "../../local/table.ts";
import { HOUR_MS } from "../../schema/keys.ts";
import { convertAll, deliverHour, END_MS, type FleetSize, makeHours, PROCESSES, spreadOverDay, stored } from "./fleet.ts";
import { measured, type Step } from "./measured.ts";
import { replaceTable } from "./page.ts";

const DAY_MS = 24 * HOUR_MS;

const program = new Command("scale")
  .description("Fills a lake as a large fleet would, and times detection, reports, rollup and conversion on it.")
  .option("--hosts <count>", "hosts of the rolled-up hours", wholeNumber, 10_000)
  .option("--days <count>", "days of them", wholeNumber, 14)
  .option("--minute-hosts <count>", "hosts of the day of minutes", wholeNumber, 1_000)
  .option("--folder <path>", "where the lakes are kept", join(homedir(), ".cache", "tidemark", "scale"))
  .option("--fresh", "make them anew", false)
  .option("--step <number>", "one step alone, told as JSON: each is a process of its own, so that its memory is", wholeNumber)
  .option("--docs", "write the table into docs/scale.md", false)
  .parse();
const options = program.opts<FleetSize & { folder: string; fresh: boolean; step?: number; docs: boolean }>();

const hoursFolder = join(resolve(options.folder), `hours-${options.hosts}-${options.days}`);
const minutesFolder = join(resolve(options.folder), `minutes-${options.minuteHosts}`);
if (options.fresh) for (const folder of [hoursFolder, minutesFolder]) rmSync(folder, { recursive: true, force: true });
for (const folder of [hoursFolder, minutesFolder]) mkdirSync(folder, { recursive: true });

const progress = (text: string) => process.stderr.write(`scale: ${text}\n`);
const fleet = `${options.hosts.toLocaleString("en-US")} hosts x ${PROCESSES} x ${options.days} days`;
const day = `${options.minuteHosts.toLocaleString("en-US")} hosts x ${PROCESSES}`;
const window = windowBefore(END_MS, DAY_MS, options.days);

interface Work {
  readonly name: () => string;
  readonly run: () => Promise<string>;
}
const onLake = (folder: string, ask: (lake: Lake) => Promise<string>) => async () => {
  const lake = await openLake(folder);
  try {
    return await ask(lake);
  } finally {
    lake.close();
  }
};

const onHours: readonly Work[] = [
  {
    name: () => `detection of trends, ${fleet} (${formatBytes(stored(hoursFolder, "process_hour").bytes)} stored)`,
    run: onLake(hoursFolder, async (lake) => `${(await detect(lake, window, {})).length} findings`),
  },
  {
    name: () => `fleet_month, ${fleet}`,
    run: onLake(hoursFolder, async (lake) => `${(await lake.run("fleet_month", windowParameters(window))).length} rows`),
  },
  {
    name: () => `weekly report, ${fleet}`,
    run: onLake(hoursFolder, async (lake) => {
      const week = windowBefore(END_MS, DAY_MS, 7);
      const model = await askWeekly({ queries: lake, catalogue: lake.catalogue, window: week, generatedAtMs: END_MS });
      const page = Buffer.byteLength(await renderWeekly(model));
      return `page of ${formatBytes(page)}, ${model.services.length} services named`;
    }),
  },
  {
    name: () => `review of a peak of 16 hours against the week before's, with detection of a week, ${fleet}`,
    run: onLake(hoursFolder, async (lake) => {
      const peak = { fromMs: END_MS - DAY_MS - 16 * HOUR_MS, toMs: END_MS - DAY_MS };
      const spans = reviewSpans({ ...peak, title: null, against: [], weeks: 1 }, END_MS);
      const model = await askReview(lake, { spans, thresholds: {}, catalogue: lake.catalogue, generatedAtMs: END_MS });
      const page = Buffer.byteLength(await renderReview(model));
      return `page of ${formatBytes(page)}, ${model.services.length} services judged`;
    }),
  },
];

/** On what was delivered, before the day is there: its first hour alone. */
const onFirstHour: readonly Work[] = [
  {
    name: () => `conversion of an hour of minutes, ${day}`,
    run: async () => {
      await convertAll(minutesFolder);
      return `${stored(minutesFolder, "process").files} files`;
    },
  },
  {
    name: () => `rollup and compaction of that hour, ${day}`,
    run: async () => {
      await rollUpLocally(minutesFolder, { startMs: END_MS - HOUR_MS, endMs: END_MS }, HOUR_MS / 1_000);
      return `${stored(minutesFolder, "process").files} files`;
    },
  },
];

const onMinutes: readonly Work[] = [
  {
    name: () =>
      `rollup of one hour within a day of minutes, ${day} (${formatBytes(stored(minutesFolder, "process").bytes)} the day)`,
    run: async () => {
      await rollUpLocally(minutesFolder, { startMs: END_MS - 2 * HOUR_MS, endMs: END_MS - HOUR_MS }, HOUR_MS / 1_000);
      return `${stored(minutesFolder, "process_hour").files} hours rolled up`;
    },
  },
  {
    name: () => `acute detection, ${day}, day of minutes`,
    run: onLake(minutesFolder, async (lake) => `${(await detectAcute(lake, END_MS, {})).length} findings`),
  },
];

const works = [...onHours, ...onFirstHour, ...onMinutes];
if (options.step === undefined) await measureAll();
else process.stdout.write(JSON.stringify(await measuredStep(options.step)));

async function measuredStep(number: number): Promise<Step> {
  const work = works[number];
  if (work === undefined) throw new Error(`--step: there is no step ${number}, only 0 to ${works.length - 1}`);
  return measured(work.name(), work.run);
}

async function measureAll(): Promise<void> {
  await makeHours(hoursFolder, options, progress);
  const steps = onHours.map(stepOf);
  // Timed once, on a lake that has nothing else yet: what it makes is kept.
  if (stored(minutesFolder, "process").files === 0) {
    const rows = await deliverHour(minutesFolder, options);
    progress(`${rows.toLocaleString("en-US")} rows delivered`);
    steps.push(...onFirstHour.map(stepOf));
    await spreadOverDay(minutesFolder, progress);
  }
  steps.push(...onMinutes.map(stepOf));
  const cells = steps.map(({ name, seconds, cpuSeconds, peakBytes, result }) => [
    name,
    seconds.toFixed(1),
    cpuSeconds.toFixed(1),
    formatBytes(peakBytes),
    result,
  ]);
  const head = ["what", "seconds", "CPU seconds", "peak memory", "gives"];
  printTable(head, cells);
  if (options.docs) {
    const path = join(import.meta.dirname, "../../docs/scale.md");
    writeFileSync(path, replaceTable(readFileSync(path, "utf8"), head, cells));
  }
}

/** In a process of its own: an allocator keeps what an earlier step has freed. */
function stepOf(work: Work): Step {
  progress(`${work.name()} ...`);
  const args = [import.meta.filename, ...process.argv.slice(2), "--step", String(works.indexOf(work))];
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    args.filter((one) => one !== "--fresh"),
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (status !== 0) throw new Error(`${work.name()}: ended with ${signal ?? status}`);
  progress(stdout);
  return JSON.parse(stdout);
}
