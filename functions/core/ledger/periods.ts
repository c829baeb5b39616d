// Which whole periods around a change are compared: before it, and after it when its processes have settled.
// Periods are counted back from the end of the window, so that a day in production is a UTC day.
import type { ChangeEvent } from "./change-events.ts";

/** A week either way: more would let other changes in, and seven days have each day of the week. */
export const PERIODS_MAX = 7;
/** One period may be a feast day. */
export const PERIODS_MIN = 2;
/** A restart empties a heap: it is judged when a whole period, with its peak, lies behind it. */
const SETTLE_PERIODS = 1;
/** A change is looked at until its periods are full; then its last row stands. */
export const LOOK_BACK_PERIODS = PERIODS_MAX + SETTLE_PERIODS + 2;

export interface Grid {
  /** End of the last whole period. */
  readonly endMs: number;
  readonly periodMs: number;
}

export interface Periods {
  readonly startMs: number;
  /** Where the periods before end, and those after begin. */
  readonly beforeEndMs: number;
  readonly afterStartMs: number;
  readonly endMs: number;
}

/**
 * `all` are the events of every service. Another change of the same service cuts the periods short where enough are left;
 * where they are not, both are measured together. Null where there are not yet PERIODS_MIN on either side.
 */
export function periodsOf(event: ChangeEvent, all: readonly ChangeEvent[], { endMs, periodMs }: Grid): Periods | null {
  const floor = (atMs: number) => endMs - Math.ceil((endMs - atMs) / periodMs) * periodMs;
  const ceil = (atMs: number) => endMs - Math.floor((endMs - atMs) / periodMs) * periodMs;
  const others = all.filter((other) => other !== event && isOfSame(other, event));
  const enough = PERIODS_MIN * periodMs;

  const beforeEndMs = floor(event.firstMs);
  const afterStartMs = ceil(event.lastMs + SETTLE_PERIODS * periodMs);
  const starts = others
    .filter(({ lastMs }) => lastMs < event.firstMs)
    .map(({ lastMs }) => ceil(lastMs + SETTLE_PERIODS * periodMs));
  const startMs = latest(beforeEndMs - PERIODS_MAX * periodMs, starts, (at) => beforeEndMs - at >= enough);
  const ends = others.filter(({ firstMs }) => firstMs > event.lastMs).map(({ firstMs }) => floor(firstMs));
  const wantedEndMs = Math.min(endMs, afterStartMs + PERIODS_MAX * periodMs);
  const afterEndMs = -latest(
    -wantedEndMs,
    ends.map((at) => -at),
    (at) => -at - afterStartMs >= enough,
  );
  return afterEndMs - afterStartMs >= enough ? { startMs, beforeEndMs, afterStartMs, endMs: afterEndMs } : null;
}

const latest = (usual: number, others: readonly number[], isEnough: (at: number) => boolean): number =>
  Math.max(usual, ...others.filter(isEnough));

const isOfSame = (one: ChangeEvent, other: ChangeEvent): boolean =>
  one.service === other.service && one.environment === other.environment;
