// Asks the lake for the weekly report's data: both weeks from rolled-up hours, findings as they were filed, and a last look at minutes.
// What the report makes of it is core/weekly's; keeping it and telling people is the handler's.
import { fillWeekly } from "../core/weekly/fill.ts";
import type { ShownQuery, WeeklyModel } from "../core/weekly/model.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { QueryEngine } from "../edges.ts";
import { withdrawnAdvice } from "./ledger.ts";
import { recordedQueries } from "./recorded-queries.ts";

/** What a page tells of a query: queries/named-query.ts has more. */
export interface QueryAbout {
  readonly summary: string;
  readonly sql: string;
  readonly parameters: readonly { readonly name: string }[];
}

export interface WeeklyQuestion {
  readonly queries: QueryEngine;
  readonly catalogue: ReadonlyMap<string, QueryAbout>;
  readonly window: Window;
  readonly generatedAtMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A finding of a service that is not among these has advice by its cause alone. */
const ADVISED_SERVICES_MAX = 500;
/** Savings are measured over days and stay worth telling for some weeks. */
const SAVINGS_MS = 28 * DAY_MS;

export async function askWeekly({ queries: engine, catalogue, window, generatedAtMs }: WeeklyQuestion): Promise<WeeklyModel> {
  const { startMs, endMs, periodMs } = window;
  const recorded = recordedQueries(engine, catalogue);
  const { queries } = recorded;
  const last = (spanMs: number, untilMs = endMs) => windowParameters({ startMs: untilMs - spanMs, endMs: untilMs });
  const bothWeeks = last(2 * (endMs - startMs));
  const rows = {
    weekly_fleet: await queries.run("weekly_fleet", { ...bothWeeks, period_seconds: periodMs / 1_000 }),
    weekly_services: await queries.run("weekly_services", bothWeeks),
    // Minutes are read of the last hour alone: of a week they would be a thousand times what the rest reads.
    weekly_worst_processes: await queries.run("weekly_worst_processes", {
      ...last(HOUR_MS),
      service_count_max: ADVISED_SERVICES_MAX,
    }),
    weekly_unmeasured: await queries.run("weekly_unmeasured", last(HOUR_MS)),
    // Detection dates its findings at the end of its window: those of the same hour are of this week.
    recent_findings: await queries.run("recent_findings", last(endMs - startMs + 1, endMs + 1)),
    verified_savings: await queries.run("verified_savings", last(SAVINGS_MS + 1, endMs + 1)),
    hosts_silent: await queries.run("hosts_silent", last(DAY_MS)),
    collector_losses: await queries.run("collector_losses", last(DAY_MS)),
  };
  const withdrawn = await withdrawnAdvice(queries, window);
  const shown = recorded.asked().map(
    (query): ShownQuery => ({
      ...query,
      summary: catalogue.get(query.name)?.summary ?? "",
      sql: catalogue.get(query.name)?.sql ?? "",
    }),
  );
  return fillWeekly({ rows, window, generatedAtMs, withdrawn, queries: shown });
}
