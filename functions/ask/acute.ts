// Asks the acute queries about the last minutes and hands their rows to core, which makes findings of them.
// Filing and announcing findings is left to the handlers.
import type { Finding } from "../../schema/columns.ts";
import { type AcuteRows, toAcuteFindings } from "../core/acute-findings.ts";
import { type AcuteQuery, acuteQueries } from "../core/acute-hits.ts";
import { windowParameters } from "../core/window.ts";
import type { QueryEngine, ResultRow } from "../edges.ts";
import type { Thresholds } from "./detection.ts";

/** Long enough that a slow climb shows, and that what arrives late is still seen; a single event stays a finding for as long. */
const WINDOW_MS = 3_600_000;
/** A host that has been silent for a day is taken for ended. */
const SILENCE_MS = 24 * 3_600_000;

/** Findings of the minutes before `endMs`, dated then, so that asking again gives the same ones. */
export async function detectAcute(queries: QueryEngine, endMs: number, thresholds: Thresholds): Promise<readonly Finding[]> {
  const rows: [AcuteQuery, readonly ResultRow[]][] = [];
  for (const query of acuteQueries) {
    const startMs = endMs - (query === "hosts_silent" ? SILENCE_MS : WINDOW_MS);
    rows.push([query, await queries.run(query, { ...thresholds, ...windowParameters({ startMs, endMs }) })]);
  }
  return toAcuteFindings(Object.fromEntries(rows) as AcuteRows, endMs);
}
