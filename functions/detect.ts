// Scheduled: asks the lake who leaks or holds memory, and files the findings as rows of the lake.
// What counts is in queries/ and core; who hears of it is not decided here.
import middy from "@middy/core";
import type { Finding } from "../schema/columns.ts";
import { lakeKey, partitionOf } from "../schema/keys.ts";
import { findingTable } from "./core/finding-table.ts";
import { toFindings } from "./core/findings.ts";
import { writeParquet } from "./core/parquet/write.ts";
import { type Window, windowParameters } from "./core/window.ts";
import type { ObjectStore, QueryEngine } from "./edges.ts";

export interface DetectEdge {
  readonly queries: QueryEngine;
  readonly store: ObjectStore;
  /** Values for parameters of the queries whose defaults do not fit, by name. */
  readonly thresholds: Readonly<Record<string, number>>;
}

export interface DetectEvent {
  readonly window: Window;
}

export const createDetectHandler = (edge: DetectEdge) =>
  middy(async ({ window }: DetectEvent): Promise<readonly Finding[]> => {
    const parameters = { ...edge.thresholds, ...windowParameters(window), period_seconds: window.periodMs / 1_000 };
    const findings = toFindings(
      {
        live_growth: await edge.queries.run("live_growth", parameters),
        rss_not_returned: await edge.queries.run("rss_not_returned", parameters),
        largest_free_chunk_falling: await edge.queries.run("largest_free_chunk_falling", parameters),
        free_chunk_count_rising: await edge.queries.run("free_chunk_count_rising", parameters),
      },
      window.endMs,
    );
    const key = lakeKey("finding", partitionOf(window.endMs), `detect-${window.endMs}`);
    // Found at the window's end and named after it: detecting the same window again replaces its findings.
    await edge.store.put(key, writeParquet("finding", findingTable(findings)));
    return findings;
  });
