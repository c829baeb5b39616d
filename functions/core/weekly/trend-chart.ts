// The chart of the fleet's memory over the week, period by period, with the week before as thin dashes behind it.
// Which figures stand in one chart is the page's; ticks are report/axis.ts's, and the SVG is report/vega-svg.ts's.
import type { TopLevelSpec } from "vega-lite";
import { byteAxis } from "../report/axis.ts";
import { chartConfig, chartSvg, chartWidth, type Layer } from "../report/vega-svg.ts";
import { formatBytes, formatDuration } from "../units.ts";
import type { Window } from "../window.ts";
import type { FleetPeriod } from "./model.ts";

export type TrendName = "rss" | "live" | "held" | "reclaimable";

const look = {
  rss: { name: "resident", colour: "var(--rss)" },
  live: { name: "live", colour: "var(--live)" },
  held: { name: "held free", colour: "var(--free)" },
  reclaimable: { name: "reclaimable", colour: "var(--trend-reclaimable)" },
} as const satisfies Record<TrendName, { name: string; colour: string }>;

const plot = { left: 40, right: 92, top: 10, bottom: 38, height: 150 } as const;
const plotWidth = chartWidth - plot.left - plot.right;
/** Two lines of text each: name and figure. */
const labelHeight = 30;
/** Labels such as "Nov 23" are 40 units wide. */
const TICKS_MAX = 4;
const DAY_MS = 86_400_000;

interface Point {
  /** Place in its week, from 0. */
  readonly at: number;
  readonly isNow: boolean;
  readonly bytes: number | null;
}

/** Null where none of the figures was measured this week. */
export async function trendChart(periods: readonly FleetPeriod[], names: readonly TrendName[], window: Window) {
  const count = Math.max(1, Math.round((window.endMs - window.startMs) / window.periodMs));
  const points = (name: TrendName): readonly Point[] =>
    Array.from({ length: 2 * count }, (_, index) => ({
      at: index % count,
      isNow: index >= count,
      bytes: periods.find((period) => period.index === index)?.[name] ?? null,
    }));
  const series = names.map((name) => ({ name, points: points(name) })).filter(({ points }) => lastOf(points) !== null);
  if (series.length === 0) return null;
  const largest = Math.max(...series.flatMap(({ points }) => points.map(({ bytes }) => bytes ?? 0)));
  const axis = byteAxis(largest);
  const rows = (points: readonly Point[], isNow: boolean) =>
    points
      .filter((point) => point.isNow === isNow)
      .map(({ at, bytes }) => ({ at, bytes: bytes === null ? null : bytes / axis.bytesPerUnit }));
  const step = Math.ceil(count / TICKS_MAX);
  const ticks = Array.from({ length: Math.ceil(count / step) }, (_, tick) => tick * step);
  const labels = Object.fromEntries(ticks.map((at) => [String(at), tickText(window.startMs + at * window.periodMs, window)]));
  const encoding: NonNullable<Layer["encoding"]> = {
    x: {
      field: "at",
      type: "quantitative",
      scale: { domain: [0, Math.max(1, count - 1)], nice: false, zero: false },
      axis: {
        values: ticks,
        labelExpr: `${JSON.stringify(labels)}[datum.value]`,
        labelOverlap: false,
        labelFlush: false,
        grid: false,
        title: "UTC",
        titlePadding: 6,
      },
    },
    y: {
      field: "bytes",
      type: "quantitative",
      scale: { domain: [0, axis.top], nice: false },
      axis: { values: [...axis.ticks], title: null, format: "~r", domain: false, ticks: false, labelPadding: 6 },
    },
  };
  const spec: TopLevelSpec = {
    width: plotWidth,
    height: plot.height,
    padding: { left: plot.left, right: plot.right, top: plot.top, bottom: plot.bottom },
    autosize: { type: "none" },
    config: chartConfig,
    data: { values: [] },
    layer: [
      ...series.flatMap(({ name, points }): Layer[] => [
        {
          data: { values: rows(points, false) },
          mark: { type: "line", color: look[name].colour, strokeWidth: 1.5, strokeDash: [3, 3], opacity: 0.65 },
          encoding,
        },
        {
          data: { values: rows(points, true) },
          mark: {
            type: "line",
            color: look[name].colour,
            strokeWidth: 2.5,
            strokeCap: "round",
            strokeJoin: "round",
            point: { filled: true, size: 16, opacity: 1, color: look[name].colour },
          },
          encoding,
        },
      ]),
      {
        ...oneRow,
        mark: { type: "text", x: -6, y: 1, text: axis.unit, align: "right", baseline: "middle", color: "var(--muted)" },
      },
      ...endLabels(series, (bytes) => plot.height * (1 - bytes / axis.bytesPerUnit / axis.top)),
    ],
  };
  return chartSvg(spec, labelOf(series, window));
}

/** A mark placed in pixels needs one row to be drawn once. */
const oneRow = { data: { values: [{}] }, encoding: {} };

interface Series {
  readonly name: TrendName;
  readonly points: readonly Point[];
}

const lastOf = (points: readonly Point[], isNow = true): number | null =>
  points.findLast((point) => point.isNow === isNow && point.bytes !== null)?.bytes ?? null;

/** Beside the ends of the lines, moved apart where they would overlap. */
function endLabels(series: readonly Series[], pixelY: (bytes: number) => number): Layer[] {
  const wanted = series.map(({ name, points }) => ({ name, last: lastOf(points) ?? 0 })).sort((a, b) => b.last - a.last);
  let previous = Number.NEGATIVE_INFINITY;
  return wanted.flatMap(({ name, last }, index) => {
    const lowest = plot.height - (wanted.length - 1 - index) * labelHeight - labelHeight / 4;
    const y = Math.max(Math.min(pixelY(last), lowest), previous + labelHeight, labelHeight / 4);
    previous = y;
    const at = { x: plotWidth + 8, align: "left", baseline: "middle", color: look[name].colour, fontWeight: 600 } as const;
    return [
      { ...oneRow, mark: { type: "text", ...at, y: y - 6, text: look[name].name } },
      { ...oneRow, mark: { type: "text", ...at, y: y + 8, text: formatBytes(last) } },
    ] satisfies Layer[];
  });
}

const dateFormat = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", timeZone: "UTC" });

const tickText = (atMs: number, { periodMs }: Window): string =>
  periodMs >= DAY_MS ? dateFormat.format(atMs) : new Date(atMs).toISOString().slice(11, periodMs >= 60_000 ? 16 : 19);

function labelOf(series: readonly Series[], { startMs, endMs }: Window): string {
  const parts = series.map(({ name, points }) => {
    const before = lastOf(points, false);
    const was = before === null ? "" : `, after ${formatBytes(before)} the week before`;
    return `${look[name].name} memory ended at ${formatBytes(lastOf(points))}${was}`;
  });
  return `The fleet over ${formatDuration(endMs - startMs)}: ${parts.join("; ")}.`;
}
