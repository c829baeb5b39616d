// Which stretches of time a review reads: the peak, the calm before and after it, and earlier peaks beside it; and what is refused.
// Times are ms since 1970 by now; how they were written is the border's (aws/events.ts, local/cli.ts).
import { formatDuration, formatUtc } from "../units.ts";

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ReviewRequest extends Span {
  readonly title: string | null;
  /** Earlier peaks to compare with, as they were given. */
  readonly against: readonly Span[];
  /** Besides: the same hours of so many weeks before. */
  readonly weeks: number;
}

export interface ReviewSpans {
  readonly title: string | null;
  readonly peak: Span;
  /** Newest first. */
  readonly against: readonly Span[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

/** Two rows of a minute are no peak; ten show a rise and a fall. */
export const PEAK_MS_MIN = 10 * MINUTE_MS;
/** A longer stretch has a week's cycle in it: that is the weekly report's. */
export const PEAK_MS_MAX = 14 * DAY_MS;
/** Every one is asked for like the peak itself. */
export const AGAINST_MAX = 4;
/** No lake is older (infra/parts/lake-tables.ts): a year mistyped must not be answered with "nothing happened". */
const FIRST_MS = Date.UTC(2020, 0, 1);
/** Up to here the rows themselves are read: hours would show a short peak in three points. */
const MINUTES_UP_TO_MS = 6 * HOUR_MS;

/** Throws one error with every problem, each with the value and the limit. */
export function reviewSpans(request: ReviewRequest, nowMs: number): ReviewSpans {
  const { fromMs, toMs, weeks } = request;
  const problems = spanProblems("the peak", request, nowMs);
  if (!Number.isInteger(weeks) || weeks < 0 || weeks > AGAINST_MAX)
    problems.push(`${weeks} weeks to compare with, of 0 to ${AGAINST_MAX}`);
  for (const [index, span] of request.against.entries()) {
    const name = `earlier peak ${index + 1}`;
    problems.push(...spanProblems(name, span, nowMs));
    if (span.toMs > fromMs)
      problems.push(`${name} ends ${formatUtc(span.toMs)}, the peak begins ${formatUtc(fromMs)}: it must be over by then`);
  }
  // Only a peak that is sound has weeks before it that mean anything.
  const before = problems.length > 0 ? [] : weeksBefore({ fromMs, toMs }, weeks);
  const against = [...request.against.map(({ fromMs, toMs }) => ({ fromMs, toMs })), ...before];
  if (against.length > AGAINST_MAX) problems.push(`${against.length} earlier peaks, at most ${AGAINST_MAX}`);
  if (problems.length > 0) throw new Error(`the review cannot be made: ${problems.join("; ")}`);
  return { title: request.title, peak: { fromMs, toMs }, against: against.sort((a, b) => b.fromMs - a.fromMs) };
}

function spanProblems(name: string, { fromMs, toMs }: Span, nowMs: number): string[] {
  const spanMs = toMs - fromMs;
  if (!Number.isFinite(spanMs)) return [`${name} has a time that is none`];
  const times = `${formatUtc(fromMs)} to ${formatUtc(toMs)}`;
  if (spanMs <= 0) return [`${name} is ${times}: it must end after it begins`];
  const problems: string[] = [];
  if (spanMs < PEAK_MS_MIN) problems.push(`${name} lasts ${formatDuration(spanMs)}, at least ${formatDuration(PEAK_MS_MIN)}`);
  if (spanMs > PEAK_MS_MAX) problems.push(`${name} lasts ${formatDuration(spanMs)}, at most ${formatDuration(PEAK_MS_MAX)}`);
  if (toMs > nowMs) problems.push(`${name} ends ${formatUtc(toMs)}, and it is ${formatUtc(nowMs)}: it must be over`);
  if (fromMs < FIRST_MS)
    problems.push(`${name} begins ${formatUtc(fromMs)}, before there was any lake (${formatUtc(FIRST_MS)})`);
  return problems;
}

/** A peak longer than a week would be compared with itself: the weeks are counted from its own end. */
function weeksBefore({ fromMs, toMs }: Span, weeks: number): readonly Span[] {
  const stepMs = Math.ceil((toMs - fromMs) / WEEK_MS) * WEEK_MS;
  return Array.from({ length: weeks }, (_, index) => (index + 1) * stepMs).map((agoMs) => ({
    fromMs: fromMs - agoMs,
    toMs: toMs - agoMs,
  }));
}

/** How a span is read: rows of minutes or of hours, and how wide those are to the queries. */
export interface Reading {
  readonly reads: "minutes" | "hours";
  /** Width of a row: minutes stand for their moment. */
  readonly bucketSeconds: number;
  /** Distance of the points of a chart. */
  readonly stepSeconds: number;
  /** The calm on either side, the span included. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Steps of a chart, some of which are too few for a line and many too wide for a phone. */
const STEPS_WANTED = 120;
/** Calm that is long enough to have a trough, and no longer than a day: then comes the next peak. */
const CALM_MS_MIN = 15 * MINUTE_MS;
const CALM_MS_MAX = DAY_MS;

export function readingOf({ fromMs, toMs }: Span): Reading {
  const spanMs = toMs - fromMs;
  const isShort = spanMs <= MINUTES_UP_TO_MS;
  // Half of it on either side: with the next peak of a day often as far away, more would reach into it.
  const wantedMs = Math.min(CALM_MS_MAX, Math.max(CALM_MS_MIN, spanMs / 2));
  const calmMs = isShort ? wantedMs : Math.ceil(wantedMs / HOUR_MS) * HOUR_MS;
  const [startMs, endMs] = [fromMs - calmMs, toMs + calmMs];
  const step = Math.ceil((endMs - startMs) / STEPS_WANTED / MINUTE_MS) * 60;
  return isShort
    ? { reads: "minutes", bucketSeconds: 0, stepSeconds: step, startMs, endMs }
    : {
        reads: "hours",
        bucketSeconds: HOUR_MS / 1_000,
        stepSeconds: Math.ceil(step / 3_600) * 3_600,
        // Whole hours, or the outermost ones would be cut off.
        startMs: Math.floor(startMs / HOUR_MS) * HOUR_MS,
        endMs: Math.ceil(endMs / HOUR_MS) * HOUR_MS,
      };
}

/** The same span as a title has it, the date said once. */
export function spanText({ fromMs, toMs }: Span): string {
  const [from, to] = [formatUtc(fromMs), formatUtc(toMs)];
  return from.slice(0, 10) === to.slice(0, 10) ? `${from.replace(" UTC", "")} to ${to.slice(11)}` : `${from} to ${to}`;
}
