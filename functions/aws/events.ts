// Events of the scheduler and of people, checked and turned into the hours or the window that is meant.
// The handlers take those; what a scheduled time is, only this file knows.
import * as z from "zod/mini";
import type { Detector } from "../core/finding-states.ts";
import { type Window, windowBefore } from "../core/window.ts";

/** EventBridge Scheduler fills in `<aws.scheduler.scheduled-time>`: the time that was meant, not the time of a retry. */
const scheduled = z.object({ scheduled_at: z.iso.datetime({ offset: true }) });

/** The schedule of detection says which of the two it wants; without a word it is trends. */
const detection = z.object({ detector: z._default(z.enum(["trends", "acute"]), "trends") });

/** A peak to look back at: when it began and ended, and the cycle of the traffic within it (`30s`, `15m`, `1h`, `1d`). */
const review = z.pipe(
  z.object({
    window_start: z.iso.datetime({ offset: true }),
    window_end: z.iso.datetime({ offset: true }),
    period: z.string().check(z.regex(/^[1-9]\d{0,5}[smhd]$/, "expected a number and one of s, m, h, d, as in 1h")),
  }),
  z.transform(({ window_start, window_end, period }, context): Window => {
    const [startMs, endMs, periodMs] = [Date.parse(window_start), Date.parse(window_end), periodOf(period)];
    if (endMs - startMs < periodMs) {
      const message = `the window has ${endMs - startMs} ms, a period ${periodMs}: at least one`;
      context.issues.push({ code: "custom", message, input: window_end });
      return z.NEVER;
    }
    // Queries judge whole periods: what does not fill one at the beginning is left out.
    return { startMs: endMs - periodMs * Math.floor((endMs - startMs) / periodMs), endMs, periodMs };
  }),
);

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: HOUR_MS, d: 24 * HOUR_MS };

/** Milliseconds since 1970. Throws on another event. */
export const scheduledAtMs = (event: unknown): number => Date.parse(checked(scheduled, event).scheduled_at);

export const reviewWindow = (event: unknown): Window => checked(review, event);

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

const periodOf = (text: string): number => Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? Number.NaN);

function checked<T extends z.ZodMiniType>(shape: T, event: unknown): z.output<T> {
  const parsed = shape.safeParse(event);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "event"}: ${message}`);
  throw new Error(`event ${JSON.stringify(event)?.slice(0, EVENT_LENGTH_MAX)} is not usable: ${problems.join("; ")}`);
}

/** Enough of a refused event to recognise it. */
const EVENT_LENGTH_MAX = 300;
