// Asks the lake for a report's data (timelines, heap composition, cost) and has core draw the page.
// Keeping it and telling people is left to the handlers.
import type { Finding } from "../../schema/columns.ts";
import { fillReport } from "../core/report/fill.ts";
import { renderReport } from "../core/report/page.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { QueryEngine } from "../edges.ts";
import { withdrawnAdvice } from "./ledger.ts";

export interface ReportRequest {
  readonly window: Window;
  readonly findings: readonly Finding[];
  readonly title: string;
  readonly generatedAtMs: number;
  /** Drawn before larger ones, whether or not something was found; for a single machine, whose processes are few enough to read all. */
  readonly servicesFirst?: readonly string[];
}

/** Processes of one machine: of a fleet only the largest are read. */
const MACHINE_PROCESSES_MAX = 10_000;

/** HTML of the page. */
export async function drawReport(queries: QueryEngine, request: ReportRequest): Promise<string> {
  const { window } = request;
  const parameters = windowParameters(window);
  // Where memory is now is in the last period; the minutes of a whole week would be read for nothing.
  const lastPeriod = {
    ...windowParameters({ startMs: window.endMs - window.periodMs, endMs: window.endMs }),
    ...(request.servicesFirst === undefined ? {} : { process_count_max: MACHINE_PROCESSES_MAX }),
  };
  const rows = {
    process_timeline: await queries.run("process_timeline", parameters),
    heap_composition: await queries.run("heap_composition", lastPeriod),
    collector_cost: await queries.run("collector_cost", parameters),
  };
  const withdrawn = await withdrawnAdvice(queries, window);
  return renderReport(fillReport({ ...request, rows, withdrawn }));
}
