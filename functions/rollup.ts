// Scheduled: rolls the process rows of an hour up into one row per process, and of the hour before again, for late data.
// The SELECT is queries/rollup_process_hours.sql; the engine writes the files, this handler puts them in their place.
import middy from "@middy/core";
import { lakeKey, partitionOf, STAGING_PREFIX } from "../schema/keys.ts";
import { windowParameters } from "./core/window.ts";
import type { ObjectStore, QueryEngine } from "./edges.ts";

export interface RollupEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  /** Width of a row's stretch of time: an hour in production, a second where time is compressed. */
  readonly bucketSeconds: number;
}

export interface RollupEvent {
  /** Start of the hours to roll up, ms since 1970. */
  readonly hoursMs: readonly number[];
  /** Tells runs apart, so that two at once do not write to the same staging prefix. */
  readonly runId: string;
}

const HOUR_MS = 3_600_000;

/** Returns the keys of the files that hold the hours now. */
export const createRollupHandler = (edge: RollupEdge) =>
  middy(async ({ hoursMs, runId }: RollupEvent): Promise<readonly string[]> => {
    const keys: string[] = [];
    for (const startMs of hoursMs) {
      const staging = `${STAGING_PREFIX}process_hour/${startMs}-${runId}/`;
      const parameters = {
        ...windowParameters({ startMs, endMs: startMs + HOUR_MS }),
        bucket_seconds: edge.bucketSeconds,
        hr: partitionOf(startMs).hr,
      };
      await edge.queries.unload("rollup_process_hours", parameters, staging);
      keys.push(...(await publish(edge.lake, staging, startMs)));
    }
    return keys;
  });

/**
 * Moves the staged files to the hour's own names, part by part, and removes parts of an earlier run that are left over.
 * Readers may see both runs of an hour for a moment; the base view keeps one row of each process.
 */
async function publish(lake: ObjectStore, staging: string, hourMs: number): Promise<readonly string[]> {
  const partition = partitionOf(hourMs);
  const before = await Array.fromAsync(lake.list(lakeKey("process_hour", partition, "").slice(0, -".parquet".length)));
  const staged = await Array.fromAsync(lake.list(staging));
  const published = staged.map((_, part) => lakeKey("process_hour", partition, `part-${String(part).padStart(5, "0")}`));
  for (const [part, key] of published.entries()) await lake.copy(staged[part] ?? "", key);
  for (const key of before) if (!published.includes(key)) await lake.delete(key);
  for (const key of staged) await lake.delete(key);
  return published;
}

/** The last whole hour before a moment, and the one before it: what arrives up to an hour late is still counted. */
export function hoursToRollUp(scheduledAtMs: number): readonly number[] {
  const thisHourMs = Math.floor(scheduledAtMs / HOUR_MS) * HOUR_MS;
  return [thisHourMs - HOUR_MS, thisHourMs - 2 * HOUR_MS];
}
