// The bar of a process's composition: one stacked bar of the known parts.
// It leaves names, order and colours to composition.ts, the table beside it to process-card.ts, and SVG to vega-svg.ts.
import type { TopLevelSpec } from "vega-lite";
import { formatShare } from "../units.ts";
import type { Segment } from "./composition.ts";
import { chartConfig, chartFontSize, chartSvg, chartWidth, type Layer } from "./vega-svg.ts";

const barHeight = 30;

/** One bar of the known parts, in their order; names and bytes of narrow parts are in the table below it. Null when nothing is known. */
export async function compositionChart(segments: readonly Segment[], label: string) {
  const total = segments.reduce((sum, segment) => sum + (segment.bytes ?? 0), 0);
  if (total <= 0) return null;
  let from = 0;
  const parts = segments.flatMap((segment) => {
    const share = (segment.bytes ?? 0) / total;
    if (share <= 0) return [];
    const part = { x: from * chartWidth, x2: (from + share) * chartWidth, fill: segment.colour, ink: segment.ink, text: "" };
    from += share;
    return [{ ...part, text: segmentText(segment.short, formatShare(share), part.x2 - part.x) }];
  });
  const along = (field: string) =>
    ({ field, type: "quantitative", scale: { domain: [0, chartWidth], nice: false }, axis: null }) satisfies NonNullable<
      Layer["encoding"]
    >["x"];
  const spec: TopLevelSpec = {
    width: chartWidth,
    height: barHeight,
    padding: 0,
    autosize: { type: "none" },
    config: chartConfig,
    data: { values: parts },
    layer: [
      {
        mark: { type: "rect", y: 0, y2: barHeight, stroke: "var(--card)", strokeWidth: 2, cornerRadius: 3 },
        encoding: { x: along("x"), x2: { field: "x2" }, color: { field: "fill", type: "nominal", scale: null } },
      },
      {
        transform: [{ filter: "datum.text !== ''" }, { calculate: "(datum.x + datum.x2) / 2", as: "middle" }],
        mark: { type: "text", y: barHeight / 2, align: "center", baseline: "middle", fontWeight: 600 },
        encoding: {
          x: along("middle"),
          text: { field: "text", type: "nominal" },
          color: { field: "ink", type: "nominal", scale: null },
        },
      },
    ],
  };
  return chartSvg(spec, label);
}

/** What fits: name and share, share alone, or nothing. A character is taken as 0.62 of the font size wide. */
function segmentText(name: string, share: string, width: number): string {
  return [`${name} ${share}`, share].find((text) => text.length * chartFontSize * 0.62 + 8 <= width) ?? "";
}
