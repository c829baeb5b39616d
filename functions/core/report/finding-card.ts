// The card of one finding: what, where, how much, since when, and what to do first.
// It leaves the processes concerned to their own cards, to which it links, and order to verdict.ts.
import { html, raw } from "hono/html";
import type { Finding } from "../../../schema/columns.ts";
import type { Advice } from "../advice/advise.ts";
import { causeText, severityShape, severityWord } from "../causes.ts";
import { whereText } from "../finding-text.ts";
import { formatBytes, formatDuration, formatShare, formatUtc } from "../units.ts";
import { adviceBlock } from "./advice-block.ts";
import { clipName, clipText, sentenceLengthMax, tooltipLengthMax } from "./text.ts";

export interface ProcessLink {
  /** Id of the process's card. */
  readonly id: string;
  readonly pid: number;
}

export function findingCard(finding: Finding, links: readonly ProcessLink[], advice: Advice | null) {
  const cause = causeText(finding.cause);
  const shown = links.slice(0, linkCountMax);
  return html`<article class="card finding sev-${cause.severity}">
<header>
<p class="badge"><span class="shape" aria-hidden="true">${severityShape[cause.severity]}</span> ${severityWord[cause.severity]}</p>
<h3 title="${clipText(finding.service, tooltipLengthMax)}"><bdi>${clipName(finding.service)}</bdi></h3>
<p class="cause">${clipName(cause.name)}</p>
</header>
<dl class="figures">
${memoryFigures(finding)}
<div class="figure-row"><dt>Since</dt><dd>${formatUtc(finding.since)}${sinceSpan(finding)}</dd></div>
<div class="figure-row"><dt>Where</dt><dd>${whereText(finding)}</dd></div>
</dl>
<p class="means">${cause.means}</p>
${hasChange(advice) ? "" : html`<p class="cure"><strong>Where to look:</strong> ${cause.cure}</p>`}
<p class="evidence"><strong>Evidence:</strong> <bdi>${clipText(finding.evidence, sentenceLengthMax)}</bdi></p>
${adviceBlock(advice)}
${earlyWarnings(finding.early_warnings ?? null)}
${
  shown.length === 0
    ? html`<p class="links">No process of this service is drawn below.</p>`
    : html`<p class="links">See ${shown.map((link) => html`<a href="#${link.id}">pid ${link.pid}</a> `)}${
        links.length > shown.length ? html`and ${links.length - shown.length} more below` : ""
      }</p>`
}
</article>`;
}

/** Links in a card; the rest follow the first ones in the page anyway. */
const linkCountMax = 8;
/** The classical rules are a handful; more names than this are not ours. */
const warningCountMax = 12;

/** Beside a setting that fits this service the general words on its cause would only be a second opinion. */
const hasChange = (advice: Advice | null): boolean => (advice?.recommendations[0]?.setting ?? "") !== "";

/** What the excess is depends on the cause: of a leak it is growth, of the others free memory that is held. */
function excessTerm(cause: string): string {
  return ["leak", "cache_growth", "file_growth", "mapping_growth"].includes(cause) ? "Grown by" : "Held";
}

/** A finding that is not about an amount, as a failed allocation, has none to show. */
function memoryFigures(finding: Finding) {
  const excess = finding.excess_bytes ?? null;
  if (excess === null) return "";
  const reclaimable = finding.reclaimable_bytes ?? null;
  const share = reclaimable === null || reclaimable <= 0 || excess <= 0 ? "" : formatShare(reclaimable / excess);
  return html`<div class="figure-main"><dt>${excessTerm(finding.cause)}</dt><dd>${formatBytes(excess)}</dd></div>
<div class="figure-main"><dt>Reclaimable now</dt><dd${reclaimable === null ? raw(' class="none"') : ""}>${formatBytes(reclaimable)}${share === "" ? "" : html` <small>${share} of it</small>`}</dd></div>`;
}

/** How long it has held by now, which is the first thing one works out from a date. */
function sinceSpan(finding: Finding): string {
  const spanMs = finding.found_at - finding.since;
  return spanMs > 0 ? `, for ${formatDuration(spanMs)}` : "";
}

function earlyWarnings(names: string | null) {
  const warnings = (names ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (warnings.length === 0) return "";
  return html`<p class="warnings">Early warnings that fired: ${warnings
    .slice(0, warningCountMax)
    .map((name) => html`<span class="chip">${clipName(name).replaceAll("_", " ")}</span> `)}</p>`;
}
