// The card of one finding: what, where, how much, since when, and where to look for the cure.
// It leaves the processes concerned to their own cards, to which it links, and order to verdict.ts.
import { html, raw } from "hono/html";
import type { Finding } from "../../../schema/columns.ts";
import { causeText, severityShape, severityWord } from "../causes.ts";
import { formatBytes, formatCountOf, formatDuration, formatShare, formatUtc } from "../units.ts";
import { clipName, clipText, sentenceLengthMax, tooltipLengthMax } from "./text.ts";

export interface ProcessLink {
  /** Id of the process's card. */
  readonly id: string;
  readonly pid: number;
}

export function findingCard(finding: Finding, links: readonly ProcessLink[]) {
  const cause = causeText(finding.cause);
  const shown = links.slice(0, linkCountMax);
  return html`<article class="card finding sev-${cause.severity}">
<header>
<p class="badge"><span class="shape" aria-hidden="true">${severityShape[cause.severity]}</span> ${severityWord[cause.severity]}</p>
<h3 title="${clipText(finding.service, tooltipLengthMax)}"><bdi>${clipName(finding.service)}</bdi></h3>
<p class="cause">${clipName(cause.name)}</p>
</header>
<dl class="figures">
<div class="figure-main"><dt>${excessTerm(finding.cause)}</dt><dd>${formatBytes(finding.excess_bytes)}</dd></div>
<div class="figure-main"><dt>Reclaimable now</dt><dd${(finding.reclaimable_bytes ?? null) === null ? raw(' class="none"') : ""}>${formatBytes(finding.reclaimable_bytes)}${reclaimableShare(finding)}</dd></div>
<div class="figure-row"><dt>Since</dt><dd>${formatUtc(finding.since)}${sinceSpan(finding)}</dd></div>
<div class="figure-row"><dt>Where</dt><dd>${formatCountOf(finding.process_count, "process", "processes")} on ${formatCountOf(finding.host_count, "host", "hosts")}</dd></div>
</dl>
<p class="means">${cause.means}</p>
<p class="cure"><strong>Where to look:</strong> ${cause.cure}</p>
<p class="evidence"><strong>Evidence:</strong> <bdi>${clipText(finding.evidence, sentenceLengthMax)}</bdi></p>
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

/** What the excess is depends on the cause: of a leak it is growth, of the others free memory that is held. */
function excessTerm(cause: string): string {
  return ["leak", "cache_growth", "file_growth", "mapping_growth"].includes(cause) ? "Grown by" : "Held";
}

function reclaimableShare(finding: Finding) {
  const reclaimable = finding.reclaimable_bytes ?? null;
  if (reclaimable === null || reclaimable <= 0 || finding.excess_bytes <= 0) return "";
  return html` <small>${formatShare(reclaimable / finding.excess_bytes)} of it</small>`;
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
