// The chart of a process's memory over time: RSS, live and free bytes, each line named at its end, and the mark of the peak.
// It leaves gaps and thinning to timeline.ts, ticks to axis.ts, and SVG to vega-svg.ts.
import type { TopLevelSpec } from "vega-lite";
import { formatBytes, formatDuration } from "../units.ts";
import { type ByteAxis, byteAxis, type TimeAxis, timeAxis } from "./axis.ts";
import type { TimelinePoint } from "./model.ts";
import { drawablePoints, lastValue, loneValues, peakValue, type SeriesName, seriesNames } from "./timeline.ts";
import { chartConfig, chartSvg, chartWidth, type Layer } from "./vega-svg.ts";

/** Lines differ in weight and dash as well as in colour. */
const seriesLook = {
  rss_bytes: { name: "RSS", colour: "var(--rss)", strokeWidth: 2.5, strokeDash: null },
  live_bytes: { name: "live", colour: "var(--live)", strokeWidth: 2, strokeDash: null },
  free_bytes: { name: "free", colour: "var(--free)", strokeWidth: 2, strokeDash: [5, 4] },
} as const satisfies Record<
  SeriesName,
  { name: string; colour: string; strokeWidth: number; strokeDash: readonly number[] | null }
>;

const plot = { left: 37, right: 98, top: 8, bottom: 38, height: 150 } as const;
const plotWidth = chartWidth - plot.left - plot.right;
/** Least distance between the baselines of two labels at the ends of lines. */
const labelLine = 15;

/** RSS, live and free bytes over the window, or null when nothing was measured in it; `shaded` is a stretch to point at. */
export async function timelineChart(
  timeline: readonly TimelinePoint[],
  startMs: number,
  endMs: number,
  shaded: { readonly fromMs: number; readonly toMs: number } | null = null,
) {
  const points = drawablePoints(timeline, startMs, endMs);
  const drawn = seriesNames.filter((series) => lastValue(points, series) !== null);
  if (drawn.length === 0) return null;
  const time = timeAxis(startMs, endMs);
  const bytes = byteAxis(Math.max(...drawn.map((series) => peakValue(points, series)?.bytes ?? 0)));
  const encoding = axes(time, bytes);
  const spec: TopLevelSpec = {
    width: plotWidth,
    height: plot.height,
    padding: { left: plot.left, right: plot.right, top: plot.top, bottom: plot.bottom },
    autosize: { type: "none" },
    config: chartConfig,
    data: { values: rows(points, drawn, bytes) },
    layer: [
      ...(shaded === null ? [] : [shade(shaded.fromMs, shaded.toMs, time)]),
      { mark: { type: "area", color: "var(--rss)", opacity: 0.1 }, encoding: encoding("rss_bytes") },
      unitLabel(bytes),
      ...tideMark(points, bytes),
      // The last drawn lies on top, and RSS is the first of the names.
      ...drawn.toReversed().map((series) => ({ mark: line(series), encoding: encoding(series) })),
      ...drawn.map((series) => dots(points, series, bytes, encoding(series))),
      ...endLabels(points, drawn, bytes),
    ],
  };
  return chartSvg(spec, timelineLabel(points, drawn, endMs - startMs));
}

/** One row per point, in the unit of the axis. A series without any value has no field. */
function rows(points: readonly TimelinePoint[], drawn: readonly SeriesName[], bytes: ByteAxis) {
  return points.map((point) => {
    const values = drawn.map((series) => [series, toUnit(point[series], bytes)]);
    return { at: point.atMs, ...Object.fromEntries(values) };
  });
}

/** Both axes for a series. The scales are given, not derived, so that marks can be placed in pixels beside them. */
function axes(time: TimeAxis, bytes: ByteAxis) {
  const labels = Object.fromEntries(time.ticks.map((tick) => [String(tick.atMs), tick.label]));
  return (series: SeriesName): NonNullable<Layer["encoding"]> => ({
    x: {
      field: "at",
      type: "quantitative",
      scale: { domain: [time.startMs, time.endMs], nice: false, zero: false },
      axis: {
        values: time.ticks.map((tick) => tick.atMs),
        labelExpr: `${JSON.stringify(labels)}[datum.value]`,
        labelOverlap: false,
        labelFlush: false,
        grid: false,
        title: time.title,
        titlePadding: 6,
      },
    },
    y: {
      field: series,
      type: "quantitative",
      scale: { domain: [0, bytes.top], nice: false },
      axis: { values: [...bytes.ticks], title: null, format: "~r", domain: false, ticks: false, labelPadding: 6 },
    },
  });
}

function line(series: SeriesName): Layer["mark"] {
  const { colour, strokeWidth, strokeDash } = seriesLook[series];
  return {
    type: "line",
    color: colour,
    strokeWidth,
    strokeCap: "round",
    strokeJoin: "round",
    ...(strokeDash === null ? {} : { strokeDash: [...strokeDash] }),
  };
}

function toUnit(bytes: number | null, axis: ByteAxis): number | null {
  return bytes === null ? null : bytes / axis.bytesPerUnit;
}

/** Height of a value in the plot, in pixels from its top. */
function pixelY(bytes: number, axis: ByteAxis): number {
  return plot.height * (1 - bytes / axis.bytesPerUnit / axis.top);
}

/** Behind everything, as far as it lies in the window. */
function shade(fromMs: number, toMs: number, { startMs, endMs }: TimeAxis): Layer {
  const pixelX = (atMs: number) => (plotWidth * (Math.min(Math.max(atMs, startMs), endMs) - startMs)) / (endMs - startMs);
  const sides = { x: pixelX(fromMs), x2: pixelX(toMs), y: 0, y2: plot.height };
  return { ...oneRow, mark: { type: "rect", ...sides, color: "var(--line)", opacity: 0.7 } };
}

/** Values that stand alone between gaps. */
function dots(points: readonly TimelinePoint[], series: SeriesName, bytes: ByteAxis, encoding: Layer["encoding"]): Layer {
  const values = loneValues(points, series).map((value) => ({ at: value.atMs, [series]: toUnit(value.bytes, bytes) }));
  return {
    data: { values },
    mark: { type: "point", filled: true, size: 24, opacity: 1, color: seriesLook[series].colour },
    encoding: encoding ?? {},
  };
}

/** The unit once, above the ticks, instead of beside each of them. */
function unitLabel(bytes: ByteAxis): Layer {
  return {
    ...oneRow,
    mark: { type: "text", x: -6, y: 3, text: bytes.unit, align: "right", baseline: "middle", color: "var(--muted)" },
  };
}

/** The mark that high tide left: the largest RSS. Nothing can be drawn above it, so its text is there. */
function tideMark(points: readonly TimelinePoint[], bytes: ByteAxis): Layer[] {
  const peak = peakValue(points, "rss_bytes");
  if (peak === null) return [];
  const y = pixelY(peak.bytes, bytes);
  const text = `peak ${formatBytes(peak.bytes)}`;
  return [
    {
      ...oneRow,
      mark: { type: "rule", color: "var(--muted)", strokeDash: [2, 3] },
      encoding: { x: { value: 0 }, x2: { value: plotWidth }, y: { value: y } },
    },
    { ...oneRow, mark: { type: "text", x: 3, y: y - 4, text, align: "left", baseline: "bottom", color: "var(--muted)" } },
  ];
}

/** Names and last values at the right, each beside the end of its line and moved apart where they would overlap. */
function endLabels(points: readonly TimelinePoint[], drawn: readonly SeriesName[], bytes: ByteAxis): Layer[] {
  const wanted = drawn
    .map((series) => ({ series, last: lastValue(points, series)?.bytes ?? 0 }))
    .sort((a, b) => b.last - a.last);
  let previous = Number.NEGATIVE_INFINITY;
  return wanted.map(({ series, last }, index) => {
    // Room is kept for the labels still to come below.
    const lowest = plot.height - (wanted.length - 1 - index) * labelLine;
    const y = Math.max(Math.min(pixelY(last, bytes), lowest), previous + labelLine);
    previous = y;
    const { name, colour } = seriesLook[series];
    const at = { x: plotWidth + 7, y, align: "left", baseline: "middle" } as const;
    return { ...oneRow, mark: { type: "text", ...at, text: `${name} ${formatBytes(last)}`, color: colour, fontWeight: 600 } };
  });
}

/** A mark placed in pixels needs one row to be drawn once. */
const oneRow = { data: { values: [{}] }, encoding: {} };

function timelineLabel(points: readonly TimelinePoint[], drawn: readonly SeriesName[], spanMs: number): string {
  const parts = drawn.map((series) => {
    const [last, peak] = [lastValue(points, series)?.bytes, peakValue(points, series)?.bytes];
    return `${seriesLook[series].name} peaked at ${formatBytes(peak)} and ended at ${formatBytes(last)}`;
  });
  return `Memory over ${formatDuration(spanMs)}: ${parts.join("; ")}.`;
}
