// Which stretches a review reads, and what is refused with the value and the limit.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { readingOf, reviewSpans, spanText } from "../../../../functions/core/review/span.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FROM_MS = Date.UTC(2026, 10, 20, 10);
const NOW_MS = Date.UTC(2026, 10, 23);
const request = { fromMs: FROM_MS, toMs: FROM_MS + 8 * HOUR_MS, title: null, against: [], weeks: 0 };

test("what is no review is refused, with the value and the limit of each problem at once", () => {
  const earlier = { fromMs: FROM_MS - DAY_MS, toMs: FROM_MS - DAY_MS + HOUR_MS };
  const wrong: readonly (readonly [Partial<Parameters<typeof reviewSpans>[0]>, RegExp])[] = [
    [{ toMs: FROM_MS }, /2026-11-20 10:00 UTC to 2026-11-20 10:00 UTC: it must end after it begins/],
    [{ toMs: FROM_MS - HOUR_MS }, /it must end after it begins/],
    [{ fromMs: Number.NaN }, /the peak has a time that is none/],
    [{ toMs: FROM_MS + 9 * MINUTE_MS }, /the peak lasts 9 min, at least 10 min/],
    [{ fromMs: NOW_MS - 15 * DAY_MS, toMs: NOW_MS }, /the peak lasts 15 d, at most 14 d/],
    [{ toMs: NOW_MS + MINUTE_MS }, /ends 2026-11-23 00:01 UTC, and it is 2026-11-23 00:00 UTC: it must be over/],
    [{ fromMs: Date.UTC(2019, 1, 1), toMs: Date.UTC(2019, 1, 2) }, /before there was any lake/],
    [{ weeks: 5 }, /5 weeks to compare with, of 0 to 4/],
    [{ weeks: 1.5 }, /1.5 weeks/],
    [{ weeks: -1 }, /-1 weeks/],
    [{ against: [{ fromMs: FROM_MS, toMs: FROM_MS + HOUR_MS }] }, /earlier peak 1 ends .* the peak begins/],
    [{ against: [earlier, { fromMs: 0, toMs: 1 }] }, /earlier peak 2 lasts/],
    [{ against: [earlier, earlier, earlier], weeks: 2 }, /5 earlier peaks, at most 4/],
    [{ toMs: NOW_MS + 20 * DAY_MS, weeks: 9 }, /at most 14 d; .*must be over; .*9 weeks|9 weeks.*/],
  ];
  for (const [values, problem] of wrong)
    throws(() => reviewSpans({ ...request, ...values }, NOW_MS), problem, JSON.stringify(values));
});

test("the limits themselves are taken", () => {
  for (const lengthMs of [10 * MINUTE_MS, 14 * DAY_MS]) {
    const { peak } = reviewSpans({ ...request, fromMs: NOW_MS - lengthMs, toMs: NOW_MS }, NOW_MS);
    deepEqual(peak, { fromMs: NOW_MS - lengthMs, toMs: NOW_MS });
  }
});

test("weeks before are the same hours of the same weekday, and never overlap the peak itself", () => {
  const { against } = reviewSpans({ ...request, weeks: 2 }, NOW_MS);
  deepEqual(
    against.map(({ fromMs }) => fromMs - FROM_MS),
    [-7 * DAY_MS, -14 * DAY_MS],
  );
  const long = { ...request, fromMs: NOW_MS - 10 * DAY_MS, toMs: NOW_MS, weeks: 2 };
  deepEqual(
    reviewSpans(long, NOW_MS).against.map(({ toMs }) => toMs - NOW_MS),
    [-14 * DAY_MS, -28 * DAY_MS],
  );
});

test("earlier peaks come newest first, given and counted ones together", () => {
  const given = { fromMs: FROM_MS - 10 * DAY_MS, toMs: FROM_MS - 10 * DAY_MS + HOUR_MS };
  const { against } = reviewSpans({ ...request, against: [given], weeks: 2 }, NOW_MS);
  deepEqual(
    against.map(({ fromMs }) => (FROM_MS - fromMs) / DAY_MS),
    [7, 10, 14],
  );
});

test("up to six hours are read by minutes, longer ones by whole hours; calm on either side is half of it, a day at most", () => {
  const short = readingOf({ fromMs: FROM_MS + 20 * MINUTE_MS, toMs: FROM_MS + 40 * MINUTE_MS });
  deepEqual([short.reads, short.bucketSeconds], ["minutes", 0]);
  deepEqual([short.startMs, short.endMs], [FROM_MS + 5 * MINUTE_MS, FROM_MS + 55 * MINUTE_MS]);
  equal(readingOf({ fromMs: FROM_MS, toMs: FROM_MS + 6 * HOUR_MS }).reads, "minutes");
  const long = readingOf({ fromMs: FROM_MS + MINUTE_MS, toMs: FROM_MS + 8 * HOUR_MS });
  deepEqual([long.reads, long.bucketSeconds], ["hours", 3_600]);
  deepEqual([long.startMs % HOUR_MS, long.endMs % HOUR_MS], [0, 0]);
  const week = readingOf({ fromMs: FROM_MS, toMs: FROM_MS + 7 * DAY_MS });
  deepEqual([FROM_MS - week.startMs, week.endMs - FROM_MS - 7 * DAY_MS], [DAY_MS, DAY_MS]);
  for (const { startMs, endMs, stepSeconds } of [short, long, week]) ok((endMs - startMs) / 1_000 / stepSeconds <= 121);
});

test("a span is written with its date once when it is one day", () => {
  equal(spanText({ fromMs: FROM_MS, toMs: FROM_MS + HOUR_MS }), "2026-11-20 10:00 to 11:00 UTC");
  equal(spanText({ fromMs: FROM_MS, toMs: FROM_MS + DAY_MS }), "2026-11-20 10:00 UTC to 2026-11-21 10:00 UTC");
});
