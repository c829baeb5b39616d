// Scheduled: asks the lake who leaks or holds memory, files the findings as rows, and tells people what is new.
// What counts is in queries/ and core; where messages go is the notifier's.
import middy from "@middy/core";
import type { Finding } from "../schema/columns.ts";
import { lakeKey, partitionOf } from "../schema/keys.ts";
import { detect, type Thresholds } from "./ask/detection.ts";
import { findingTable } from "./core/finding-table.ts";
import { alertMessage } from "./core/messages.ts";
import { writeParquet } from "./core/parquet/write.ts";
import { textOf } from "./core/result-rows.ts";
import { type Window, windowParameters } from "./core/window.ts";
import type { Notifier, ObjectStore, QueryEngine } from "./edges.ts";

export interface DetectEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  readonly notifier: Notifier;
  readonly thresholds: Thresholds;
}

export interface DetectEvent {
  readonly window: Window;
}

/** A finding that was there this recently is not news. */
const RECENT_MS = 24 * 3_600_000;

export const createDetectHandler = (edge: DetectEdge) =>
  middy(async ({ window }: DetectEvent): Promise<readonly Finding[]> => {
    const findings = await detect(edge.queries, window, edge.thresholds);
    const recent = { startMs: window.endMs - RECENT_MS, endMs: window.endMs };
    const known = await edge.queries.run("recent_findings", windowParameters(recent));
    const knownIds = new Set(known.map((row) => textOf(row, "finding_id")));

    for (const finding of findings) if (!knownIds.has(finding.finding_id)) await edge.notifier.send(alertMessage(finding));
    // Filed after the messages are out: a run that fails between the two says something twice rather than never.
    // The key is the window's end, so that detecting the same window again replaces its findings.
    const key = lakeKey("finding", partitionOf(window.endMs), `detect-${window.endMs}`);
    await edge.lake.put(key, writeParquet("finding", findingTable(findings)));
    return findings;
  });
