// Fills the weekly report's model from query results. How it looks is page.ts's, and how it is told message.ts's.
import type { ResultRow } from "../../edges.ts";
import { findingOf } from "../finding-table.ts";
import type { WithdrawnOf } from "../ledger/known-recommendation.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "../result-rows.ts";
import type { Window } from "../window.ts";
import { type BlindRows, blindSpotsOf } from "./blind-spots.ts";
import { fleetPeriods, weekOf, worthOf } from "./fleet.ts";
import type { Dollars, Saving, ShownQuery, WeeklyModel } from "./model.ts";
import { isNotice, isOfService, isOfThisWeek, isOpen, ranked, risenOf, servicesOf, withAdvice } from "./services.ts";

export interface WeeklyRows extends BlindRows {
  readonly weekly_fleet: readonly ResultRow[];
  readonly weekly_services: readonly ResultRow[];
  readonly weekly_worst_processes: readonly ResultRow[];
  readonly recent_findings: readonly ResultRow[];
  readonly verified_savings: readonly ResultRow[];
}

export interface WeeklyInput {
  readonly rows: WeeklyRows;
  readonly window: Window;
  readonly generatedAtMs: number;
  /** What the ledger has withdrawn. */
  readonly withdrawn: WithdrawnOf;
  readonly queries: readonly ShownQuery[];
}

export function fillWeekly({ rows, window, generatedAtMs, withdrawn, queries }: WeeklyInput): WeeklyModel {
  const periodCount = Math.round((window.endMs - window.startMs) / window.periodMs);
  const periods = fleetPeriods(rows.weekly_fleet);
  const isNow = (index: number) => index >= periodCount;
  const ofWeek = (now: boolean) => rows.weekly_fleet.filter((row) => isNow(numberOf(row, "period")) === now);
  const now = weekOf(periods.filter(({ index }) => isNow(index)));
  const worth = worthOf(ofWeek(true));
  const open = rows.recent_findings.map(findingOf).filter((finding) => isOpen(finding, window));
  const ofServices = ranked(open.filter(isOfService));
  const services = servicesOf(rows.weekly_services);
  return {
    window,
    generatedAtMs,
    periods,
    now,
    before: weekOf(periods.filter(({ index }) => !isNow(index))),
    worth,
    worthBefore: worthOf(ofWeek(false)),
    findings: withAdvice(ofServices, rows.weekly_worst_processes, withdrawn),
    mutedCount: open.filter(({ muted }) => (muted ?? null) !== null).length,
    services,
    serviceCount: rows.weekly_services[0] === undefined ? null : numberOf(rows.weekly_services[0], "service_count"),
    savings: rows.verified_savings.map(savingOf).sort((a, b) => (b.savedBytes ?? 0) - (a.savedBytes ?? 0)),
    newFindings: ranked(open).filter((finding) => isOfThisWeek(finding, window) && !isNotice(finding)),
    risen: risenOf(services),
    blindSpots: blindSpotsOf(rows, open, {
      now,
      worth,
      hasLastPeriod: periods.some(({ index }) => index === 2 * periodCount - 1),
    }),
    queries,
  };
}

const savingOf = (row: ResultRow): Saving => ({
  service: textOf(row, "service"),
  environment: maybeText(row, "environment"),
  recommendationId: maybeText(row, "recommendation_id"),
  setting: maybeText(row, "setting"),
  changedAtMs: numberOf(row, "changed_at"),
  hostCount: maybeNumber(row, "host_count"),
  controlHostCount: maybeNumber(row, "control_host_count"),
  beforePerHost: maybeNumber(row, "before_bytes_per_host"),
  afterPerHost: maybeNumber(row, "after_bytes_per_host"),
  savedPerHost: maybeNumber(row, "saved_bytes_per_host"),
  savedPerHostLow: maybeNumber(row, "saved_bytes_per_host_low"),
  savedPerHostHigh: maybeNumber(row, "saved_bytes_per_host_high"),
  savedBytes: maybeNumber(row, "saved_bytes"),
  worth: dollarsOf(row),
  verdict: textOf(row, "verdict"),
});

function dollarsOf(row: ResultRow): Dollars | null {
  const [least, most] = [maybeNumber(row, "dollars_per_month_least"), maybeNumber(row, "dollars_per_month_most")];
  return least === null || most === null ? null : { least, most };
}
