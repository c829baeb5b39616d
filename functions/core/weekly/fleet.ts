// The fleet over two weeks: its periods, the averages of each week, and what the memory held is worth by instance type.
// Rows are weekly_fleet's; prices are cost/memory-prices.ts's.
import type { ResultRow } from "../../edges.ts";
import { dollarsPerMonth, memoryPrice } from "../cost/memory-prices.ts";
import { maybeNumber, maybeText, numberOf } from "../result-rows.ts";
import type { Dollars, FleetFigures, FleetPeriod, Worth } from "./model.ts";

const names = {
  rss: "rss_bytes",
  live: "live_bytes",
  held: "free_resident_bytes",
  reclaimable: "reclaimable_bytes",
} as const;

/** Periods in order, instance types added up. */
export const fleetPeriods = (rows: readonly ResultRow[]): readonly FleetPeriod[] =>
  [...Map.groupBy(rows, (row) => numberOf(row, "period"))]
    .sort(([one], [other]) => one - other)
    .map(([index, types]) => ({
      index,
      hourCount: Math.max(...types.map((row) => numberOf(row, "hour_count"))),
      hostCount: sum(types, "host_count") ?? 0,
      processCount: sum(types, "process_count") ?? 0,
      walkedCount: sum(types, "walked_process_count") ?? 0,
      rss: sum(types, names.rss),
      live: sum(types, names.live),
      held: sum(types, names.held),
      reclaimable: sum(types, names.reclaimable),
    }));

/** Average over the hours of these periods that have rows; null without any. */
export function weekOf(periods: readonly FleetPeriod[]): FleetFigures | null {
  if (periods.length === 0) return null;
  const average = (figureOf: (period: FleetPeriod) => number | null): number | null => {
    const known = periods.filter((period) => figureOf(period) !== null);
    const hours = known.reduce((total, { hourCount }) => total + hourCount, 0);
    if (hours === 0) return null;
    return Math.round(known.reduce((total, period) => total + (figureOf(period) ?? 0) * period.hourCount, 0) / hours);
  };
  return {
    hostCount: average(({ hostCount }) => hostCount) ?? 0,
    processCount: average(({ processCount }) => processCount) ?? 0,
    walkedCount: average(({ walkedCount }) => walkedCount) ?? 0,
    rss: average(({ rss }) => rss),
    live: average(({ live }) => live),
    held: average(({ held }) => held),
    reclaimable: average(({ reclaimable }) => reclaimable),
  };
}

/** What the memory held in these rows (of one week) is worth; null where none was measured. */
export function worthOf(rows: readonly ResultRow[]): Worth | null {
  const isMeasured = (row: ResultRow) => maybeNumber(row, names.held) !== null;
  const periods = Map.groupBy(rows.filter(isMeasured), (row) => numberOf(row, "period"));
  const hours = [...periods.values()].reduce(
    (total, [row]) => total + (row === undefined ? 0 : numberOf(row, "hour_count")),
    0,
  );
  const measured = rows.filter(isMeasured);
  if (measured.length === 0 || hours === 0) return null;
  const types = [...Map.groupBy(measured, (row) => maybeText(row, "instance_type"))].map(([type, ofType]) => ({
    price: memoryPrice(type),
    held: byteHours(ofType, names.held) / hours,
    reclaimable: byteHours(ofType, names.reclaimable) / hours,
  }));
  const isReclaimableKnown = measured.some((row) => maybeNumber(row, names.reclaimable) !== null);
  return {
    held: added(types.map(({ price, held }) => dollarsPerMonth(held, price))),
    reclaimable: isReclaimableKnown ? added(types.map(({ price, reclaimable }) => dollarsPerMonth(reclaimable, price))) : null,
    assumedBytes: Math.round(types.reduce((total, { price, held }) => total + (price.isAssumed ? held : 0), 0)),
    families: [...new Set(types.toSorted((a, b) => b.held - a.held).map(({ price }) => price.family))],
  };
}

export const added = (parts: readonly Dollars[]): Dollars => ({
  least: parts.reduce((total, { least }) => total + least, 0),
  most: parts.reduce((total, { most }) => total + most, 0),
});

const byteHours = (rows: readonly ResultRow[], column: string): number =>
  rows.reduce((total, row) => total + (maybeNumber(row, column) ?? 0) * numberOf(row, "hour_count"), 0);

function sum(rows: readonly ResultRow[], column: string): number | null {
  const known = rows.map((row) => maybeNumber(row, column)).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
