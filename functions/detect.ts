// Scheduled: asks the lake who leaks or holds memory, files the findings as rows, and tells people what is new.
// What counts is in queries/ and core; where messages go is the notifier's.
import middy from "@middy/core";
import type { Finding } from "../schema/columns.ts";
import { lakeKey, partitionOf } from "../schema/keys.ts";
import { detect, type Thresholds } from "./ask/detection.ts";
import { findingTable } from "./core/finding-table.ts";
import { alertMessages } from "./core/messages.ts";
import { writeParquet } from "./core/parquet/write.ts";
import { numberOf, textOf } from "./core/result-rows.ts";
import { type Window, windowParameters } from "./core/window.ts";
import type { Notifier, ObjectStore, QueryEngine } from "./edges.ts";

export interface DetectEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  readonly notifier: Notifier;
  readonly thresholds: Thresholds;
  /** Hears how the lake is at the end of each run. */
  readonly observe: (observation: LakeObservation) => void;
}

/** Null where the last day has no samples at all. */
export interface LakeObservation {
  readonly findingsOpen: number;
  readonly newestSampleAgeSeconds: number | null;
  readonly silentHosts: number | null;
}

export interface DetectEvent {
  readonly window: Window;
}

/** A finding that was there this recently is not news. */
const RECENT_MS = 24 * 3_600_000;

/** A known finding is news again when it concerns so many times the memory that it did. */
const GROWN_TIMES = 2;

export const createDetectHandler = (edge: DetectEdge) =>
  middy(async ({ window }: DetectEvent): Promise<readonly Finding[]> => {
    const findings = await detect(edge.queries, window, edge.thresholds);
    const recent = windowParameters({ startMs: window.endMs - RECENT_MS, endMs: window.endMs });
    const known = await edge.queries.run("recent_findings", recent);
    // Asked before anything is said: a run that fails after its messages are out would say them again when it is retried.
    const [freshness] = await edge.queries.run("sample_freshness", recent);
    const knownBytes = new Map(known.map((row) => [textOf(row, "finding_id"), numberOf(row, "excess_bytes_last")]));
    const news = findings.filter(
      ({ finding_id, excess_bytes }) => excess_bytes >= GROWN_TIMES * (knownBytes.get(finding_id) ?? 0),
    );
    for (const message of alertMessages(news)) await edge.notifier.send(message);

    // Filed after the messages are out: a run that fails between the two says something twice rather than never.
    // The key is the window's end, so that detecting the same window again replaces its findings.
    const key = lakeKey("finding", partitionOf(window.endMs), `detect-${window.endMs}`);
    await edge.lake.put(key, writeParquet("finding", findingTable(findings)));
    edge.observe({
      findingsOpen: findings.length,
      newestSampleAgeSeconds: freshness === undefined ? null : numberOf(freshness, "newest_sample_age_seconds"),
      silentHosts: freshness === undefined ? null : numberOf(freshness, "silent_host_count"),
    });
    return findings;
  });
