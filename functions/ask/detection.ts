// Asks the detection queries about a window and hands their rows to core, which makes findings of them.
// Filing and announcing findings is left to the handlers.
import type { Finding } from "../../schema/columns.ts";
import { toFindings } from "../core/findings.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { QueryEngine } from "../edges.ts";

/** Values for parameters of the queries whose defaults do not fit, by name. */
export type Thresholds = Readonly<Record<string, number>>;

/** Findings of the window, dated at its end, so that asking again gives the same ones. */
export async function detect(queries: QueryEngine, window: Window, thresholds: Thresholds): Promise<readonly Finding[]> {
  const parameters = { ...thresholds, ...windowParameters(window), period_seconds: window.periodMs / 1_000 };
  return toFindings(
    {
      live_growth: await queries.run("live_growth", parameters),
      rss_not_returned: await queries.run("rss_not_returned", parameters),
      largest_free_chunk_falling: await queries.run("largest_free_chunk_falling", parameters),
      free_chunk_count_rising: await queries.run("free_chunk_count_rising", parameters),
    },
    window.endMs,
  );
}
