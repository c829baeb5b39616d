// Scheduled: rolls the process rows of an hour up into one row per process, again when late rows came, and compacts the hour.
// The SELECTs are in queries/; the engine writes the files, and ask/ puts them in their place.
import middy from "@middy/core";
import { HOUR_MS, hourOfLateKey, LATE_PREFIX, lakeKey, lakePrefix, partitionOf, STAGING_PREFIX } from "../schema/keys.ts";
import { compactHour } from "./ask/compact.ts";
import { publish } from "./ask/publish.ts";
import { windowParameters } from "./core/window.ts";
import type { ObjectStore, QueryEngine } from "./edges.ts";

export interface RollupEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  /** Width of a row's stretch of time: an hour in production, a second where time is compressed. */
  readonly bucketSeconds: number;
  readonly report: (report: RollupReport) => void;
}

export interface RollupEvent {
  /** Start of the hours to roll up, ms since 1970; hours with late rows come on top. */
  readonly hoursMs: readonly number[];
  /** Hours that ended before this, ms since 1970, are settled: they are compacted. */
  readonly settledMs: number;
  /** Tells runs apart, so that two at once do not write to the same staging prefix. */
  readonly runId: string;
}

export interface RollupReport {
  readonly hours: number;
  /** Of them, rolled up again because of late rows. */
  readonly lateHours: number;
  /** Hours with late rows that are left to the next run. */
  readonly lateHoursLeft: number;
  readonly filesCompacted: number;
  /** Keys of the files that hold the hours now. */
  readonly files: readonly string[];
}

/** Rolling an hour up takes seconds on Athena; a month that arrives at once must not outlast the function. */
const LATE_HOURS_MAX = 24;

/** Returns the keys of the files that hold the hours now. */
export const createRollupHandler = (edge: RollupEdge) =>
  middy(async ({ hoursMs, settledMs, runId }: RollupEvent): Promise<readonly string[]> => {
    const late = await lateMarks(edge.lake);
    const lateHours = [...late.keys()].filter((hour) => !hoursMs.includes(hour)).sort((a, b) => a - b);
    const hours = [...hoursMs, ...lateHours.slice(0, LATE_HOURS_MAX)];
    const files: string[] = [];
    let filesCompacted = 0;
    for (const hourMs of hours) {
      files.push(...(await rollUp(edge, hourMs, runId)));
      // The marks that were there before the rows were read; one that came since has rows of its own.
      for (const mark of late.get(hourMs) ?? []) await edge.lake.delete(mark);
      if (hourMs + HOUR_MS <= settledMs) filesCompacted += await compactHour({ ...edge, runId }, hourMs);
    }
    edge.report({
      hours: hours.length,
      lateHours: hours.length - hoursMs.length,
      lateHoursLeft: lateHours.length - (hours.length - hoursMs.length),
      filesCompacted,
      files,
    });
    return files;
  });

async function lateMarks(lake: ObjectStore): Promise<ReadonlyMap<number, readonly string[]>> {
  const marks = new Map<number, string[]>();
  for await (const key of lake.list(LATE_PREFIX)) {
    const hourMs = hourOfLateKey(key);
    if (hourMs !== null) marks.set(hourMs, [...(marks.get(hourMs) ?? []), key]);
  }
  return marks;
}

async function rollUp({ queries, lake, bucketSeconds }: RollupEdge, hourMs: number, runId: string): Promise<readonly string[]> {
  const partition = partitionOf(hourMs);
  const staging = `${STAGING_PREFIX}process_hour/${hourMs}-${runId}/`;
  const window = windowParameters({ startMs: hourMs, endMs: hourMs + HOUR_MS });
  await queries.unload("rollup_process_hours", { ...window, bucket_seconds: bucketSeconds, hr: partition.hr }, staging);
  return publish({
    lake,
    staging,
    keyOf: (part) => lakeKey("process_hour", partition, `part-${String(part).padStart(5, "0")}`),
    replaced: await Array.fromAsync(lake.list(lakePrefix("process_hour", partition))),
  });
}

/** The last whole hour before a moment, and the one before it: what arrives up to an hour late is still counted. */
export function hoursToRollUp(scheduledAtMs: number): readonly number[] {
  const thisHourMs = Math.floor(scheduledAtMs / HOUR_MS) * HOUR_MS;
  return [thisHourMs - HOUR_MS, thisHourMs - 2 * HOUR_MS];
}

/** After its second rollup an hour is settled: only late rows change it, and those leave a mark. */
export const settledAt = (scheduledAtMs: number): number => Math.floor(scheduledAtMs / HOUR_MS) * HOUR_MS - HOUR_MS;
