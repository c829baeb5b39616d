// tidemark report: detection and the page, on whatever the folder's lake holds.
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { detectionQueries } from "../functions/ask/detection.ts";
import { drawReport } from "../functions/ask/report-page.ts";
import { acuteQueries } from "../functions/core/acute-hits.ts";
import { formatDuration, formatUtc } from "../functions/core/units.ts";
import { windowBefore } from "../functions/core/window.ts";
import { readCatalogue } from "../queries/catalogue.ts";
import type { Parameter } from "../queries/named-query.ts";
import { pendingConverter } from "./convert-pending.ts";
import { detectLocally } from "./detect-locally.ts";
import { openLake } from "./duckdb.ts";
import { findingsText } from "./findings-text.ts";
import { newestSampleMs } from "./lake-times.ts";
import { conversionTotals, stderrLog } from "./log.ts";
import { rollUpLocally } from "./roll-up-locally.ts";

/** The window is given by --period and --periods, and what follows from it is nobody's to set. */
const isThreshold = ({ name }: Parameter): boolean => !/^(window_|dt_|period_)/.test(name);

/** As the hours of a day: troughs are found to a twenty-fourth of a period. */
const BUCKETS_PER_PERIOD = 24;

export interface ReportVerb {
  readonly folder: string;
  readonly reportPath: string;
  readonly periodMs: number;
  readonly periodCount: number;
  readonly parameters: Readonly<Record<string, string>>;
}

export async function report(options: ReportVerb): Promise<void> {
  await convertAll(options.folder);
  const window = windowBefore((await newestSample(options.folder)) + 1, options.periodMs, options.periodCount);
  await rollUpLocally(options.folder, window, bucketSecondsOf(options.periodMs));
  const lake = await openLake(options.folder);
  try {
    const findings = await detectLocally(lake, options.folder, window, thresholdsOf(options.parameters));
    const page = await drawReport(lake, { window, findings, title: "Tidemark report", generatedAtMs: Date.now() });
    writeFileSync(options.reportPath, page);
    process.stdout.write(
      `${formatUtc(window.startMs)} to ${formatUtc(window.endMs)}, ${options.periodCount} periods of ${formatDuration(options.periodMs)}\n` +
        `${findingsText(findings, process.stdout.columns ?? 140)}\nreport: ${relative(process.cwd(), options.reportPath)}\n`,
    );
  } finally {
    lake.close();
  }
}

export async function convertAll(folder: string): Promise<void> {
  await pendingConverter(folder, { log: stderrLog, report: conversionTotals().add }).convertPending();
}

export const bucketSecondsOf = (periodMs: number): number => Math.max(1, Math.round(periodMs / 1_000 / BUCKETS_PER_PERIOD));

export async function newestSample(folder: string): Promise<number> {
  const lake = await openLake(folder);
  try {
    return await newestSampleMs(lake);
  } finally {
    lake.close();
  }
}

export function thresholdsOf(parameters: Readonly<Record<string, string>>): Readonly<Record<string, number>> {
  const catalogue = readCatalogue();
  const names = new Set(
    [...detectionQueries, ...acuteQueries]
      .flatMap((query) => catalogue.get(query)?.parameters ?? [])
      .filter(isThreshold)
      .map(({ name }) => name),
  );
  return Object.fromEntries(
    Object.entries(parameters).map(([name, text]) => {
      if (!names.has(name))
        throw new Error(`no detection query has a parameter ${name}; there are ${[...names].sort().join(", ")}`);
      const value = Number(text);
      if (text.trim() === "" || !Number.isFinite(value)) throw new Error(`${name} is ${text}: expected a number`);
      return [name, value];
    }),
  );
}
