// Asks the detection queries about a window and hands their rows to core, which makes findings of them.
// Filing and announcing findings is left to the handlers.
import type { Finding } from "../../schema/columns.ts";
import { type DetectionRows, toFindings } from "../core/findings.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { QueryEngine, ResultRow } from "../edges.ts";

/** Values for parameters of the queries whose defaults do not fit, by name. */
export type Thresholds = Readonly<Record<string, number>>;

export const detectionQueries = [
  "process_causes",
  "largest_free_chunk_falling",
  "free_chunk_count_rising",
] as const satisfies readonly (keyof DetectionRows)[];

/** Findings of the window, dated at its end, so that asking again gives the same ones. */
export async function detect(
  queries: Pick<QueryEngine, "run">,
  window: Window,
  thresholds: Thresholds,
): Promise<readonly Finding[]> {
  const parameters = { ...thresholds, ...windowParameters(window), period_seconds: window.periodMs / 1_000 };
  const rows: [keyof DetectionRows, readonly ResultRow[]][] = [];
  for (const query of detectionQueries) rows.push([query, await queries.run(query, parameters)]);
  return toFindings(Object.fromEntries(rows) as Record<keyof DetectionRows, readonly ResultRow[]>, window.endMs);
}
