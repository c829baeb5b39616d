// The page of a soak: a verdict, a table, and one small chart for each figure.
// What is flat is judge.ts's, looks are the report's.
import { html } from "hono/html";
import { byteAxis, timeAxis } from "../../functions/core/report/axis.ts";
import { renderPage } from "../../functions/core/report/frame.ts";
import { chartConfig, chartSvg, chartWidth } from "../../functions/core/report/vega-svg.ts";
import { formatBytes, formatCount, formatDuration, formatUtc } from "../../functions/core/units.ts";
import type { Verdict } from "./judge.ts";
import type { Look } from "./look.ts";

export interface Soak {
  readonly looks: readonly Look[];
  readonly verdicts: readonly Verdict[];
  readonly processes: number;
  readonly command: string;
  readonly rows: { readonly arrived: number; readonly processesSeen: number };
  readonly cpuShare: number;
}

export async function soakPage({ looks, verdicts, processes, command, rows, cpuShare }: Soak): Promise<string> {
  const [startMs, endMs] = [looks[0]?.atMs ?? 0, looks.at(-1)?.atMs ?? 0];
  const grew = verdicts.filter(({ isFlat }) => !isFlat);
  const cards = [];
  for (const verdict of verdicts) cards.push(await card(verdict, looks));
  return renderPage({
    title: `Soak: ${formatDuration(endMs - startMs)} beside ${formatCount(processes)} processes that come and go`,
    header: html`<p class="verdict ${grew.length === 0 ? "verdict-calm" : "verdict-act"}">${
      grew.length === 0 ? "Everything stayed flat" : `Not flat: ${grew.map(({ name }) => name).join(", ")}`
    }</p>
<dl class="watched">
<div><dt>Processes seen</dt><dd>${formatCount(rows.processesSeen)}, ${formatCount(rows.arrived)} rows shipped</dd></div>
<div><dt>CPU, walker included</dt><dd>${(cpuShare * 100).toFixed(3)} % of a core</dd></div>
</dl>`,
    main: html`<section><h2>Figures</h2><div class="grid">${cards}</div></section>`,
    footer: html`<p>Growth is the median of the last third above that of the second. Made by <code>${command}</code>, ${formatUtc(endMs)}.</p>`,
  });
}

const text = ({ isBytes }: Verdict, value: number): string =>
  isBytes ? `${value < 0 ? "-" : ""}${formatBytes(Math.abs(value))}` : formatCount(Math.round(value));

async function card(verdict: Verdict, looks: readonly Look[]) {
  const { name, isFlat, first, last, largest, growth, growthMax, why } = verdict;
  return html`<article class="card"><h3>${name}</h3>
<p class="meta">${isFlat ? "flat" : "NOT FLAT"}: ${text(verdict, growth)} of at most ${text(verdict, growthMax)} (${why})</p>
<figure>${await chart(verdict, looks)}</figure>
<p class="meta">first third ${text(verdict, first)}, last ${text(verdict, last)}, largest ${text(verdict, largest)}</p>
</article>`;
}

const plot = { left: 44, right: 12, top: 12, bottom: 38, height: 110 } as const;

function chart(verdict: Verdict, looks: readonly Look[]) {
  const { figure, isBytes, name, largest } = verdict;
  const time = timeAxis(looks[0]?.atMs ?? 0, looks.at(-1)?.atMs ?? 1);
  const bytes = byteAxis(largest);
  const [perUnit, top] = isBytes ? [bytes.bytesPerUnit, bytes.top] : [1, Math.max(largest * 1.16, 1)];
  const labels = Object.fromEntries(time.ticks.map((tick) => [String(tick.atMs), tick.label]));
  return chartSvg(
    {
      width: chartWidth - plot.left - plot.right,
      height: plot.height,
      padding: { left: plot.left, right: plot.right, top: plot.top, bottom: plot.bottom },
      autosize: { type: "none" },
      config: chartConfig,
      data: { values: looks.map((look) => ({ at: look.atMs, value: look[figure] / perUnit })) },
      mark: { type: "line", color: "var(--live)", strokeWidth: 2 },
      encoding: {
        x: {
          field: "at",
          type: "quantitative",
          scale: { domain: [time.startMs, time.endMs], nice: false, zero: false },
          axis: {
            values: time.ticks.map(({ atMs }) => atMs),
            labelExpr: `${JSON.stringify(labels)}[datum.value]`,
            grid: false,
            title: time.title,
          },
        },
        y: {
          field: "value",
          type: "quantitative",
          scale: { domain: [0, top], nice: false },
          axis: { title: isBytes ? bytes.unit : null, tickCount: 4, format: "~r", domain: false, ticks: false },
        },
      },
    },
    `${name}: at most ${text(verdict, largest)}`,
  );
}
