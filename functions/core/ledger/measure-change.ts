// What a change brought, from the rows of setting_effects: who is compared with whom, the estimate, and the verdict.
// The statistics are estimate.ts's; the row of the ledger is saving-rows.ts's.
import type { ResultRow } from "../../edges.ts";
import { numberOf, textOf } from "../result-rows.ts";
import type { ChangeEvent } from "./change-events.ts";
import { type Estimate, estimate, type HostSeries, mean } from "./estimate.ts";
import { PERIODS_MAX, PERIODS_MIN, type Periods } from "./periods.ts";

export type Verdict = "helped" | "no_effect" | "worse" | "too_early";

export interface Measurement {
  readonly verdict: Verdict;
  readonly hostCount: number;
  readonly controlHostCount: number;
  readonly periodsBefore: number;
  readonly periodsAfter: number;
  readonly by: Estimate["by"] | null;
  readonly beforeBytes: number | null;
  readonly afterBytes: number | null;
  /** Of one host, with its 95 % interval; null where nothing could be told. */
  readonly savedBytes: number | null;
  readonly savedBytesLow: number | null;
  readonly savedBytesHigh: number | null;
  /** Memory climbs faster after the change than at the hosts without it: what was saved may be the restart's. */
  readonly isClimbing: boolean;
  /** Hosts with the change whose version changed with it. */
  readonly otherVersionCount: number;
}

/** A difference smaller than this part of what a host would hold, or than these bytes, is nobody's evening (as in advise.ts). */
const EFFECT_SHARE_MIN = 0.05;
const EFFECT_BYTES_MIN = 4_194_304;
/** Where the interval leaves no room for more than this either way, there is no effect worth a setting. */
const NO_EFFECT_SHARE_MAX = 0.1;
/** A period with fewer hours than this part of the fullest one has no quiet hours that could be known. */
const HOURS_SHARE_MIN = 0.75;

/** `changed`: hosts with any change of settings of this service between the periods' start and end. */
export function measureChange(
  event: ChangeEvent,
  changed: ReadonlySet<string>,
  { startMs, beforeEndMs, afterStartMs, endMs }: Periods,
  periodMs: number,
  rows: readonly ResultRow[],
): Measurement {
  const number = (fromMs: number, toMs: number) => Math.round((toMs - fromMs) / periodMs);
  const span = { before: number(startMs, beforeEndMs), gap: number(startMs, afterStartMs), all: number(startMs, endMs) };
  const hoursMin = HOURS_SHARE_MIN * rows.reduce((most, row) => Math.max(most, numberOf(row, "hour_count")), 0);
  const hosts = [...Map.groupBy(rows, (row) => textOf(row, "host_id"))].flatMap(([hostId, all]) => {
    const [first] = all;
    const series = seriesOf(all, hoursMin, span);
    return series === null || first === undefined ? [] : [{ hostId, series, first }];
  });
  const isOther = (row: ResultRow) =>
    numberOf(row, "is_setting_changed") === 1 || (event.kind === "version" && numberOf(row, "is_version_changed") === 1);
  const treated = hosts.filter(({ hostId }) => event.hostIds.has(hostId));
  const controls = hosts.filter(({ hostId, first }) => !event.hostIds.has(hostId) && !changed.has(hostId) && !isOther(first));
  const [with_, without] = [treated.map(({ series }) => series), controls.map(({ series }) => series)];
  const found = with_.length === 0 ? null : estimate(with_, without, span.gap - span.before);
  const known = {
    hostCount: treated.length,
    controlHostCount: controls.length,
    periodsBefore: span.before,
    periodsAfter: span.all - span.gap,
    by: found?.by ?? null,
    beforeBytes: averageOf(with_.map(({ before }) => before)),
    afterBytes: averageOf(with_.map(({ after }) => after)),
    isClimbing: found !== null && isClimbing(with_, without, found.change),
    otherVersionCount: treated.filter(({ first }) => numberOf(first, "is_version_changed") === 1).length,
  };
  if (found === null || known.afterBytes === null)
    return { ...known, verdict: "too_early", savedBytes: null, savedBytesLow: null, savedBytesHigh: null };
  // What these hosts would hold without the change, by the course of the others or of the periods before.
  const otherwise = known.afterBytes / Math.exp(found.change);
  const saved = (change: number) => Math.round(otherwise * (1 - Math.exp(change)));
  const [savedBytes, savedBytesLow, savedBytesHigh] = [saved(found.change), saved(found.high), saved(found.low)];
  const verdict = verdictOf({ savedBytes, savedBytesLow, savedBytesHigh }, otherwise, known.isClimbing);
  return { ...known, verdict, savedBytes, savedBytesLow, savedBytesHigh };
}

function verdictOf(
  { savedBytes, savedBytesLow, savedBytesHigh }: { savedBytes: number; savedBytesLow: number; savedBytesHigh: number },
  otherwise: number,
  climbs: boolean,
): Verdict {
  const floor = Math.max(EFFECT_BYTES_MIN, EFFECT_SHARE_MIN * otherwise);
  const room = Math.max(EFFECT_BYTES_MIN, NO_EFFECT_SHARE_MAX * otherwise);
  if (savedBytesLow > 0 && savedBytes >= floor) return climbs ? "too_early" : "helped";
  if (savedBytesHigh < 0 && -savedBytes >= floor) return "worse";
  return savedBytesHigh < room && -savedBytesLow < room ? "no_effect" : "too_early";
}

interface Span {
  readonly before: number;
  /** Number of the first period after. */
  readonly gap: number;
  readonly all: number;
}

/** Null for a host that has not enough of either side. */
function seriesOf(rows: readonly ResultRow[], hoursMin: number, { before, gap, all }: Span): HostSeries | null {
  const bytesOf = new Map(
    rows
      .filter((row) => numberOf(row, "hour_count") >= hoursMin && numberOf(row, "held_bytes") > 0)
      .map((row) => [numberOf(row, "period_number"), numberOf(row, "held_bytes")]),
  );
  const between = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, place) => bytesOf.get(from + place) ?? null);
  const series = { before: between(0, before), after: between(gap, all) };
  const isEnough = (bytes: readonly (number | null)[]) => bytes.filter((each) => each !== null).length >= PERIODS_MIN;
  return isEnough(series.before) && isEnough(series.after) ? series : null;
}

function averageOf(hosts: readonly (readonly (number | null)[])[]): number | null {
  if (hosts.length === 0) return null;
  return Math.round(mean(hosts.map((bytes) => mean(bytes.filter((each) => each !== null)))));
}

/**
 * Whether memory comes back at a pace that would eat up the saving within PERIODS_MAX periods more than it does without the
 * change: a restart by itself empties a heap that fills for weeks. From the last third of the periods less the first third.
 */
function isClimbing(treated: readonly HostSeries[], controls: readonly HostSeries[], change: number): boolean {
  const risesOf = (hosts: readonly HostSeries[]) => hosts.map(({ after }) => riseOf(after)).filter((rise) => rise !== null);
  const [one, other] = [risesOf(treated), risesOf(controls)];
  if (change >= 0 || one.length === 0) return false;
  const pace = mean(one) - (other.length === 0 ? 0 : mean(other));
  return pace * PERIODS_MAX >= CLIMB_SHARE_MAX * -change;
}
const CLIMB_SHARE_MAX = 0.5;

/** Rise of the logarithm in a period; null for a host with fewer than two thirds to compare. */
function riseOf(after: readonly (number | null)[]): number | null {
  const known = after.flatMap((bytes, period) => (bytes === null ? [] : [{ period, log: Math.log(bytes) }]));
  const size = Math.ceil(known.length / 3);
  const [start, end] = [known.slice(0, size), known.slice(-size)];
  const middle = (points: typeof known) => mean(points.map(({ period }) => period));
  const span = middle(end) - middle(start);
  return span <= 0 ? null : (mean(end.map(({ log }) => log)) - mean(start.map(({ log }) => log))) / span;
}
