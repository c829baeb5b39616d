// Asks the lake for a report's data (timelines, heap composition, cost) and has core draw the page.
// Keeping it and telling people is left to the handlers.
import type { Finding } from "../../schema/columns.ts";
import { fillReport } from "../core/report/fill.ts";
import { renderReport } from "../core/report/page.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { QueryEngine } from "../edges.ts";

export interface ReportRequest {
  readonly window: Window;
  readonly findings: readonly Finding[];
  readonly title: string;
  readonly generatedAtMs: number;
}

/** More points than a chart has pixels to tell apart would only cost time. */
const TIMELINE_POINTS_MAX = 120;

/** HTML of the page. */
export async function drawReport(queries: QueryEngine, request: ReportRequest): Promise<string> {
  const { window } = request;
  const parameters = windowParameters(window);
  const bucketSeconds = Math.max(1, Math.ceil((window.endMs - window.startMs) / 1_000 / TIMELINE_POINTS_MAX));
  const rows = {
    process_timeline: await queries.run("process_timeline", { ...parameters, bucket_seconds: bucketSeconds }),
    heap_composition: await queries.run("heap_composition", parameters),
    collector_cost: await queries.run("collector_cost", parameters),
  };
  return renderReport(fillReport({ ...request, rows, bucketMs: bucketSeconds * 1_000 }));
}
