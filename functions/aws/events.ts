// Events of the scheduler and of people, checked and turned into the hours or the window that is meant.
// The handlers take those; what a scheduled time is, only this file knows.
import * as z from "zod/mini";
import type { Detector } from "../core/finding-states.ts";
import type { ReviewRequest, Span } from "../core/review/span.ts";
import { type Window, windowBefore } from "../core/window.ts";

/** EventBridge Scheduler fills in `<aws.scheduler.scheduled-time>`: the time that was meant, not the time of a retry. */
const scheduled = z.object({ scheduled_at: z.iso.datetime({ offset: true }) });

/** The schedule of detection says which of the two it wants; without a word it is trends. */
const detection = z.object({ detector: z._default(z.enum(["trends", "acute"]), "trends") });

const span = z.strictObject({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) });

/** More is no title; the page would clip it. */
const TITLE_LENGTH_MAX = 120;

/**
 * A peak to look back at, and earlier ones to compare it with: given, or the same hours of `weeks` weeks before. Names that are
 * none of these are refused, because a review of something else than was meant looks like one.
 */
const review = z.strictObject({
  ...span.def.shape,
  against: z._default(z.array(span), []),
  weeks: z._default(z.number(), 0),
  title: z.optional(
    z.string().check(z.minLength(1), z.maxLength(TITLE_LENGTH_MAX, `expected at most ${TITLE_LENGTH_MAX} characters`)),
  ),
});

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Milliseconds since 1970. Throws on another event. */
export const scheduledAtMs = (event: unknown): number => Date.parse(checked(scheduled, event).scheduled_at);

/** As the times were written; whether they make a review is core/review/span.ts's. */
export function reviewEvent(event: unknown): ReviewRequest {
  const { from, to, against, weeks, title } = checked(review, event);
  return { ...spanOf({ from, to }), title: title ?? null, against: against.map(spanOf), weeks };
}

/** The last whole periods before the scheduled time; they end at a whole hour, or at a whole period where that is shorter. */
export function scheduledWindow(event: unknown, periodMs: number, periodCount: number): Window {
  const stepMs = Math.min(HOUR_MS, periodMs);
  return windowBefore(Math.floor(scheduledAtMs(event) / stepMs) * stepMs, periodMs, periodCount);
}

/** What is acute is judged to the minute; trends to whole hours, which is what the rollup has. */
export function detectEvent(
  event: unknown,
  periodMs: number,
  periodCount: number,
): { readonly window: Window; readonly detector: Detector } {
  const { detector } = checked(detection, event);
  if (detector === "trends") return { window: scheduledWindow(event, periodMs, periodCount), detector };
  const endMs = Math.floor(scheduledAtMs(event) / MINUTE_MS) * MINUTE_MS;
  return { window: windowBefore(endMs, periodMs, periodCount), detector };
}

/** Width of a rolled-up row: troughs are found to a twenty-fourth of a period, in production to an hour of a day. */
export const bucketSecondsOf = (periodSeconds: number): number =>
  Math.min(HOUR_MS / 1_000, Math.max(1, Math.round(periodSeconds / 24)));

const spanOf = ({ from, to }: z.output<typeof span>): Span => ({ fromMs: Date.parse(from), toMs: Date.parse(to) });

function checked<T extends z.ZodMiniType>(shape: T, event: unknown): z.output<T> {
  const parsed = shape.safeParse(event);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "event"}: ${message}`);
  throw new Error(`event ${JSON.stringify(event)?.slice(0, EVENT_LENGTH_MAX)} is not usable: ${problems.join("; ")}`);
}

/** Enough of a refused event to recognise it. */
const EVENT_LENGTH_MAX = 300;
