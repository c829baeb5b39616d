// Events of the scheduler and of people as hours and windows.
import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { bucketSecondsOf, detectEvent, reviewWindow, scheduledAtMs, scheduledWindow } from "../../../functions/aws/events.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

test("a scheduled window ends at the whole hour before the scheduled time, whenever it really runs", () => {
  const window = scheduledWindow({ scheduled_at: "2026-11-23T12:20:00Z" }, DAY_MS, 7);
  const endMs = Date.UTC(2026, 10, 23, 12);
  deepEqual(window, { startMs: endMs - 7 * DAY_MS, endMs, periodMs: DAY_MS });
});

test("detection is about trends to the hour, or on request about minutes to the minute", () => {
  const scheduled_at = "2026-11-23T12:24:30Z";
  const of = (event: object) => {
    const { detector, window } = detectEvent({ scheduled_at, ...event }, DAY_MS, 7);
    return [detector, new Date(window.endMs).toISOString()];
  };
  deepEqual(of({}), ["trends", "2026-11-23T12:00:00.000Z"]);
  deepEqual(of({ detector: "acute" }), ["acute", "2026-11-23T12:24:00.000Z"]);
  throws(() => of({ detector: "minutes" }), /detector: /);
});

test("periods shorter than an hour end the window at a whole period", () => {
  const window = scheduledWindow({ scheduled_at: "2026-11-23T12:20:47Z" }, 10_000, 3);
  equal(window.endMs, Date.UTC(2026, 10, 23, 12, 20, 40));
  equal(window.endMs - window.startMs, 30_000);
});

test("a review takes the whole periods that end with the peak's window", () => {
  const event = { window_start: "2026-11-27T00:20:00Z", window_end: "2026-11-27T06:00:00+01:00", period: "1h" };
  const endMs = Date.UTC(2026, 10, 27, 5);
  deepEqual(reviewWindow(event), { startMs: endMs - 4 * HOUR_MS, endMs, periodMs: HOUR_MS });
});

test("other events are refused with what is wrong", () => {
  throws(() => scheduledAtMs({}), /scheduled_at: /);
  throws(() => scheduledAtMs({ scheduled_at: "<aws.scheduler.scheduled-time>" }), /scheduled_at: /);
  throws(() => scheduledAtMs(null), /event null is not usable/);
  const peak = { window_start: "2026-11-27T00:00:00Z", window_end: "2026-11-27T00:30:00Z", period: "1h" };
  throws(() => reviewWindow(peak), /the window has 1800000 ms, a period 3600000: at least one/);
  throws(() => reviewWindow({ ...peak, period: "often" }), /period: expected a number and one of s, m, h, d/);
  throws(() => reviewWindow({ ...peak, window_end: "2026-11-26T00:00:00Z" }), /at least one/);
});

test("rolled-up rows are an hour wide in production, a twenty-fourth of shorter periods, never less than a second", () => {
  deepEqual([86_400, 7 * 86_400, 7_200, 10].map(bucketSecondsOf), [3_600, 3_600, 300, 1]);
});
