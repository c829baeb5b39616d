// Scheduled weekly, or on demand after a peak: detects on a window, keeps the drawn page, and tells people where it lies.
// The page is core/report's; which window is meant is the entry's decision.
import middy from "@middy/core";
import { REPORTS_PREFIX } from "../schema/keys.ts";
import { detect, type Thresholds } from "./ask/detection.ts";
import { drawReport } from "./ask/report-page.ts";
import { reportMessage } from "./core/messages.ts";
import { formatUtc } from "./core/units.ts";
import type { Window } from "./core/window.ts";
import type { Notifier, ObjectStore, QueryEngine } from "./edges.ts";

export interface ReportEdge {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  readonly notifier: Notifier;
  readonly thresholds: Thresholds;
}

export interface ReportEvent {
  readonly kind: "weekly report" | "peak review";
  readonly window: Window;
}

/** Returns the key of the page. */
export const createReportHandler = (edge: ReportEdge) =>
  middy(async ({ kind, window }: ReportEvent): Promise<string> => {
    const findings = await detect(edge.queries, window, edge.thresholds);
    const title = `${kind}, ${formatUtc(window.startMs)} to ${formatUtc(window.endMs)}`;
    const page = await drawReport(edge.queries, { window, findings, title: `Tidemark ${title}`, generatedAtMs: window.endMs });
    const name = `${kind.replace(" ", "-")}-${new Date(window.endMs).toISOString().slice(0, 16).replace(":", "")}`;
    const key = `${REPORTS_PREFIX}${name}.html`;
    await edge.lake.put(key, Buffer.from(page));
    await edge.notifier.send(reportMessage(title, findings, key));
    return key;
  });
