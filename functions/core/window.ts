// The stretch of time that detection and reports look at: whole periods, the last of which has just ended.
// A period is a cycle of the traffic: a day in production, seconds where time is compressed.

export interface Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly periodMs: number;
}

/** `periodCount` whole periods that end at `endMs` (ms since 1970). */
export function windowBefore(endMs: number, periodMs: number, periodCount: number): Window {
  return { startMs: endMs - periodMs * periodCount, endMs, periodMs };
}

/** The parameters that every query over samples has: the window, and the dates that its partitions can have. */
export function windowParameters({ startMs, endMs }: Pick<Window, "startMs" | "endMs">) {
  return { window_start: startMs, window_end: endMs, dt_first: utcDate(startMs), dt_last: utcDate(endMs) };
}

const utcDate = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
