// The card of one process: its memory over time, where that memory is now, and what pins it; or why nobody knows.
// It leaves drawing to the charts, and what is wrong with the service to the finding's card.
import { html } from "hono/html";
import { heapUnknownText } from "../heap-unknown.ts";
import { formatBytes, formatShare } from "../units.ts";
import { compositionLabel, heapIsKnown, type Pin, pinSentence, type Segment, segments, topPins } from "./composition.ts";
import { compositionChart } from "./composition-chart.ts";
import type { ProcessReport } from "./model.ts";
import { clipName, clipText, tooltipLengthMax } from "./text.ts";
import { timelineChart } from "./timeline-chart.ts";

/** A reason that this page does not know is a stranger's text. */
const UNKNOWN_TEXT_LENGTH_MAX = 300;

export interface ProcessCardContext {
  readonly id: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** Names of the causes found for its service. */
  readonly causes: readonly string[];
}

export async function processCard(process: ProcessReport, context: ProcessCardContext) {
  const timeline = await timelineChart(process.timeline, context.windowStartMs, context.windowEndMs);
  return html`<article class="card process" id="${context.id}">
<header>
<h3 title="${clipText(process.service, tooltipLengthMax)}"><bdi>${clipName(process.service)}</bdi></h3>
<p class="meta">pid ${process.pid}${process.comm === null ? "" : html` · <bdi>${clipText(process.comm, 40)}</bdi>`} · ${allocatorName(process)}</p>
${context.causes.length === 0 ? "" : html`<p class="tags">${context.causes.map((cause) => html`<a class="chip" href="#findings">${clipName(cause)}</a> `)}</p>`}
</header>
<figure>
<figcaption>Memory over time</figcaption>
${timeline ?? notice("Nothing was measured in this window.")}
</figure>
${await heap(process)}
</article>`;
}

async function heap(process: ProcessReport) {
  if (!heapIsKnown(process.composition)) {
    return html`<div class="unknown"><p class="caption">Heap unknown</p>${notice(clipText(heapUnknownText(process.heap_unknown_reason, process.allocator), UNKNOWN_TEXT_LENGTH_MAX))}</div>`;
  }
  const parts = segments(process.composition);
  const bar = await compositionChart(parts, compositionLabel(parts));
  const pins = topPins(process.composition);
  return html`<figure>
<figcaption>Where it is now</figcaption>
${bar ?? ""}
${partsTable(parts)}
</figure>
${process.heap_unknown_reason === null ? "" : notice(`The latest attempt to measure failed: ${clipText(heapUnknownText(process.heap_unknown_reason, process.allocator), UNKNOWN_TEXT_LENGTH_MAX)}`)}
${pins[0] === undefined ? "" : pinsTable(pins, pinSentence(process.composition, pins[0]))}`;
}

/** The legend of the bar, and what a screen reader reads instead of it. */
function partsTable(parts: readonly Segment[]) {
  const total = parts.reduce((sum, part) => sum + (part.bytes ?? 0), 0);
  return html`<table class="parts">
<thead class="visually-hidden"><tr><th scope="col">Part</th><th scope="col">Bytes</th><th scope="col">Share</th></tr></thead>
<tbody>${parts.map(
    (part) => html`<tr>
<th scope="row"><span class="swatch" style="background:${part.colour}" aria-hidden="true"></span>${part.name}<small>${part.meaning}</small></th>
<td>${formatBytes(part.bytes)}</td>
<td class="share">${part.bytes === null || total <= 0 ? "" : formatShare(part.bytes / total)}</td>
</tr>`,
  )}</tbody>
</table>`;
}

function pinsTable(pins: readonly Pin[], sentence: string) {
  return html`<div class="pins">
<p class="caption">What pins it</p>
<p>${sentence}</p>
<table>
<thead class="visually-hidden"><tr><th scope="col">Object size</th><th scope="col">Pins</th></tr></thead>
<tbody>${pins.map(
    (pin) => html`<tr>
<th scope="row">${pin.sizes}</th>
<td><span class="pin-bar" style="width:${(pin.share * 100).toFixed(1)}%" aria-hidden="true"></span></td>
<td class="bytes">${formatBytes(pin.bytes)}</td>
</tr>`,
  )}</tbody>
</table>
</div>`;
}

function allocatorName(process: ProcessReport) {
  if (process.allocator === null || process.allocator === "unknown") return "allocator unknown";
  const version = process.allocator_version === null ? "" : ` ${clipText(process.allocator_version, 40)}`;
  return html`<bdi>${clipText(process.allocator, 40)}${version}</bdi>`;
}

function notice(text: string) {
  return html`<p class="notice"><span aria-hidden="true">?</span> ${text}</p>`;
}
