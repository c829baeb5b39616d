// Prepares a process's timeline for drawing: in order, gaps kept, no more points than a screen can show.
// It leaves scales and marks to charts.ts.
import type { TimelinePoint } from "./model.ts";

export type SeriesName = "rss_bytes" | "live_bytes" | "free_bytes";
export const seriesNames: readonly SeriesName[] = ["rss_bytes", "live_bytes", "free_bytes"];

/** Points drawn per process: more than the pixels of the plot, so nothing is lost that could be seen. */
export const pointCountMax = 360;

/**
 * The points of the window in order of time. Where buckets are missing altogether a point of nulls stands in, because
 * a line across a time that nobody watched would be an invention.
 */
export function drawablePoints(timeline: readonly TimelinePoint[], startMs: number, endMs: number): TimelinePoint[] {
  const inWindow = timeline.filter((point) => point.atMs >= startMs && point.atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
  const step = medianStepMs(inWindow);
  const withGaps: TimelinePoint[] = [];
  for (const point of thin(inWindow, startMs, endMs)) {
    const previous = withGaps.at(-1);
    const gapFromMs = gapSteps * Math.max(step, (endMs - startMs) / pointCountMax);
    if (previous !== undefined && step > 0 && point.atMs - previous.atMs > gapFromMs) {
      withGaps.push({ atMs: (previous.atMs + point.atMs) / 2, rss_bytes: null, live_bytes: null, free_bytes: null });
    }
    withGaps.push(point);
  }
  return withGaps;
}

/** One value of a series and its time. */
export interface SeriesValue {
  readonly atMs: number;
  readonly bytes: number;
}

/** The last value that was measured, or null when none was. */
export function lastValue(points: readonly TimelinePoint[], series: SeriesName): SeriesValue | null {
  const point = points.findLast((candidate) => candidate[series] !== null);
  const bytes = point?.[series] ?? null;
  return point === undefined || bytes === null ? null : { atMs: point.atMs, bytes };
}

/** The largest value that was measured, or null when none was. */
export function peakValue(points: readonly TimelinePoint[], series: SeriesName): SeriesValue | null {
  let peak: SeriesValue | null = null;
  for (const point of points) {
    const bytes = point[series];
    if (bytes !== null && bytes > (peak?.bytes ?? -1)) peak = { atMs: point.atMs, bytes };
  }
  return peak;
}

/** Values with nothing on either side. A line has no length there, so they need a mark of their own. */
export function loneValues(points: readonly TimelinePoint[], series: SeriesName): SeriesValue[] {
  return points.flatMap((point, index) => {
    const bytes = point[series];
    const beside = [points[index - 1], points[index + 1]].some((neighbour) => (neighbour?.[series] ?? null) !== null);
    return bytes === null || beside ? [] : [{ atMs: point.atMs, bytes }];
  });
}

/** Buckets are regular, so a hole of more than two and a half of them is not jitter. */
const gapSteps = 2.5;

function medianStepMs(points: readonly TimelinePoint[]): number {
  const steps = points.slice(1).map((point, index) => point.atMs - (points[index]?.atMs ?? point.atMs));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

/** One point per slot of time: the one with the largest RSS, so that a short peak survives. */
function thin(points: readonly TimelinePoint[], startMs: number, endMs: number): TimelinePoint[] {
  if (points.length <= pointCountMax) return [...points];
  const slotMs = Math.max((endMs - startMs) / pointCountMax, 1);
  const bySlot = new Map<number, TimelinePoint>();
  for (const point of points) {
    const slot = Math.min(Math.floor((point.atMs - startMs) / slotMs), pointCountMax - 1);
    const kept = bySlot.get(slot);
    if (kept === undefined || (point.rss_bytes ?? -1) > (kept.rss_bytes ?? -1)) bySlot.set(slot, point);
  }
  return [...bySlot.values()];
}
