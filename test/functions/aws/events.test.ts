// Events of the scheduler and of people as hours and windows.
import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { bucketSecondsOf, detectEvent, reviewEvent, scheduledAtMs, scheduledWindow } from "../../../functions/aws/events.ts";

const DAY_MS = 86_400_000;

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

test("a review names its peak, and earlier ones when asked", () => {
  const fromMs = Date.UTC(2026, 10, 27, 0, 20);
  const toMs = Date.UTC(2026, 10, 27, 5);
  const peak = { from: "2026-11-27T00:20:00Z", to: "2026-11-27T06:00:00+01:00" };
  deepEqual(reviewEvent(peak), { fromMs, toMs, title: null, against: [], weeks: 0 });
  const earlier = { from: "2026-11-20T00:20:00Z", to: "2026-11-20T05:00:00Z" };
  deepEqual(reviewEvent({ ...peak, against: [earlier], weeks: 2, title: "Black Friday" }), {
    fromMs,
    toMs,
    title: "Black Friday",
    against: [{ fromMs: fromMs - 7 * DAY_MS, toMs: toMs - 7 * DAY_MS }],
    weeks: 2,
  });
});

test("a review's event that is not one is refused with the name and what was expected", () => {
  const peak = { from: "2026-11-27T00:20:00Z", to: "2026-11-27T05:00:00Z" };
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [null, /event null is not usable/],
    [{}, /from: .*to: /],
    [{ ...peak, from: "yesterday" }, /from: /],
    [{ ...peak, to: "2026-11-27T05:00:00" }, /to: /],
    [{ ...peak, against: { from: peak.from } }, /against: /],
    [{ ...peak, against: [{ from: peak.from }] }, /against\.0\.to: /],
    [{ ...peak, weeks: "two" }, /weeks: /],
    [{ ...peak, title: "" }, /title: /],
    [{ ...peak, title: "x".repeat(121) }, /title: .*120/],
    [{ window_start: peak.from, window_end: peak.to, period: "1h" }, /window_start.*window_end.*period/],
  ];
  for (const [event, problem] of wrong) throws(() => reviewEvent(event), problem, JSON.stringify(event));
});

test("other events are refused with what is wrong", () => {
  throws(() => scheduledAtMs({}), /scheduled_at: /);
  throws(() => scheduledAtMs({ scheduled_at: "<aws.scheduler.scheduled-time>" }), /scheduled_at: /);
  throws(() => scheduledAtMs(null), /event null is not usable/);
});

test("rolled-up rows are an hour wide in production, a twenty-fourth of shorter periods, never less than a second", () => {
  deepEqual([86_400, 7 * 86_400, 7_200, 10].map(bucketSecondsOf), [3_600, 3_600, 300, 1]);
});
