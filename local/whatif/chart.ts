// The drawings of a matrix: memory over time for each setting with the baseline behind it, and bars of peak and after peak.
// SVG from strings, without a DOM; colours are custom properties of whatever it stands in.
import { html, raw } from "hono/html";
import { byteAxis, timeAxis } from "../../functions/core/report/axis.ts";
import { clipName, clipText, sentenceLengthMax } from "../../functions/core/report/text.ts";
import { chartFontSize, chartWidth } from "../../functions/core/report/vega-svg.ts";
import { formatBytes } from "../../functions/core/units.ts";
import type { Outcome } from "./compare.ts";
import type { Point } from "./run.ts";

/** A piece of SVG that scales, and its height in its own units (its width is chartWidth). */
interface Drawing {
  readonly svg: string;
  readonly height: number;
}

const panel = { height: 78, title: 16, plot: 52, left: 30, right: 8 } as const;
const bar = { height: 50, name: 16, thickness: 12 } as const;
const axisHeight = 30;
/** A line of more points than the drawing has pixels says nothing more. */
const POINTS_MAX = 320;

/** One panel a setting, all on the same axes. */
export function timelines(base: Outcome, others: readonly Outcome[]): Drawing {
  const all = [base, ...others];
  const points = all.flatMap(({ runs }) => runs[0]?.points ?? []);
  const bytes = byteAxis(Math.max(0, ...points.map(({ rssBytes }) => rssBytes)));
  const time = timeAxis(0, Math.max(1_000, ...points.map(({ atMs }) => atMs)));
  const x = (atMs: number) => panel.left + (atMs / time.endMs) * (chartWidth - panel.left - panel.right);
  const y = (rssBytes: number) => panel.title + panel.plot * (1 - rssBytes / bytes.bytesPerUnit / bytes.top);
  const path = (line: readonly Point[]) =>
    thinned(line)
      .map(({ atMs, rssBytes }, at) => `${at === 0 ? "M" : "L"}${x(atMs).toFixed(1)} ${y(rssBytes).toFixed(1)}`)
      .join("");
  const top = bytes.ticks.at(-1) ?? 0;
  const floor = panel.title + panel.plot;
  const panels = all.map((outcome, at) => {
    const own = outcome.runs[0]?.points ?? [];
    const isBase = outcome === base;
    const grid = [0, top].map((tick) => {
      const height = y(tick * bytes.bytesPerUnit).toFixed(1);
      return `<path d="M${panel.left} ${height}H${chartWidth - panel.right}" stroke="var(--line)"/>${text(panel.left - 4, Number(height) + 4, String(tick), "muted", "end")}`;
    });
    const behind = isBase
      ? ""
      : `<path d="${path(base.runs[0]?.points ?? [])}" fill="none" stroke="var(--other)" stroke-width="1.2" stroke-dasharray="3 2"/>`;
    const line = `<path d="${path(own)}" fill="none" stroke="var(${isBase ? "--rss" : "--live"})" stroke-width="2" stroke-linejoin="round"/>`;
    const name = text(0, 11, clipName(outcome.setting.id, 34), "ink", "start", true);
    const after = text(
      chartWidth - panel.right,
      11,
      `${formatBytes(outcome.afterRssBytes?.median)} after`,
      isBase ? "ink" : "live",
      "end",
    );
    return `<g transform="translate(0 ${at * panel.height})">${name}${after}${grid.join("")}${behind}${line}</g>`;
  });
  const bottom = (all.length - 1) * panel.height + floor;
  const ticks = time.ticks.map(({ atMs, label }) => text(x(atMs), bottom + 14, label, "muted", "middle"));
  const title = text(chartWidth - panel.right, bottom + 28, `${bytes.unit}, ${time.title}`, "muted", "end");
  return { svg: `${panels.join("")}${ticks.join("")}${title}`, height: bottom + axisHeight };
}

/** Two bars a setting: the peak behind, what was left after it before that, and the baseline's as a line through all. */
export function bars(base: Outcome, others: readonly Outcome[]): Drawing {
  const all = [base, ...others];
  const most = Math.max(1, ...all.map(({ peakRssBytes }) => peakRssBytes?.median ?? 0));
  const width = (size: number | undefined) => (((size ?? 0) / most) * (chartWidth - 74)).toFixed(1);
  const rows = all.map((outcome, at) => {
    const top = at * bar.height;
    const row = (offset: number, size: number | undefined, fill: string) =>
      `<rect x="0" y="${top + bar.name + offset}" width="${width(size)}" height="${bar.thickness}" rx="2" fill="var(${fill})"/>` +
      text(Number(width(size)) + 5, top + bar.name + offset + 10.5, formatBytes(size), "muted", "start");
    return `${text(0, top + 11, clipName(outcome.setting.id, 44), "ink", "start", true)}${row(0, outcome.peakRssBytes?.median, "--other")}${row(bar.thickness + 1, outcome.afterRssBytes?.median, "--live")}`;
  });
  const height = all.length * bar.height;
  const at = width(base.afterRssBytes?.median);
  const mark = `<path d="M${at} 0V${height}" stroke="var(--free)" stroke-width="1.2" stroke-dasharray="4 3"/>`;
  const words = ["grey: peak; blue: after the peak", "dashed: after the peak of the baseline"];
  const legend = words.map((line, at) => text(0, height + 14 + at * 16, line, "muted", "start")).join("");
  return { svg: `${rows.join("")}${mark}${legend}`, height: height + 36 };
}

/** For a page: follows its colours, speaks to screen readers. */
export const inPage = ({ svg, height }: Drawing, label: string) =>
  html`<svg class="chart" role="img" aria-label="${label}" viewBox="0 0 ${chartWidth} ${height}" preserveAspectRatio="xMidYMid meet"><title>${label}</title><g font-size="${chartFontSize}">${raw(svg)}</g></svg>`;

/** For a file of its own: both drawings beside each other, with the colours that a page would give, light and dark. */
export async function standalone(base: Outcome, others: readonly Outcome[], label: string): Promise<string> {
  const [left, right] = [bars(base, others), timelines(base, others)];
  const gap = 32;
  const margin = 16;
  const width = 2 * chartWidth + gap + 2 * margin;
  const height = Math.max(left.height, right.height) + 2 * margin;
  const style =
    ":root{--card:#fff;--ink:#10222e;--muted:#4d6270;--line:#dfe7eb;--rss:#10222e;--live:#0069a8;--free:#b34700;--other:#8796a1}" +
    "@media (prefers-color-scheme:dark){:root{--card:#132028;--ink:#e4eef3;--muted:#a3b6c1;--line:#233641;--rss:#e4eef3;--live:#5cb8f0;--free:#ff9a57;--other:#75878f}}";
  const file = html`<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui,'Liberation Sans',sans-serif" font-size="${chartFontSize}"><title>${clipText(label, sentenceLengthMax)}</title><style>${raw(style)}</style><rect width="${width}" height="${height}" fill="var(--card)"/><g transform="translate(${margin} ${margin})">${raw(left.svg)}</g><g transform="translate(${margin + chartWidth + gap} ${margin})">${raw(right.svg)}</g></svg>
`;
  return String(await file);
}

function text(x: number, y: number, words: string, colour: string, anchor: string, isBold = false): string {
  const escaped = words.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="var(--${colour})" text-anchor="${anchor}"${isBold ? ' font-weight="600"' : ""}>${escaped}</text>`;
}

/** The largest of each stretch, so that a peak of one look is drawn. */
function thinned(points: readonly Point[]): readonly Point[] {
  const stride = Math.ceil(points.length / POINTS_MAX);
  if (stride <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / stride) }, (_, at) =>
    points.slice(at * stride, (at + 1) * stride).reduce((one, other) => (other.rssBytes > one.rssBytes ? other : one)),
  );
}
