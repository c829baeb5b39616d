// The lists of the weekly page: who holds the memory, what got worse, what was saved, what is not seen.
// Findings with their advice are finding-cards.ts's.
import { html } from "hono/html";
import { clipName, clipText, tooltipLengthMax } from "../report/text.ts";
import { formatBytes, formatCount, formatShare, formatUtc } from "../units.ts";
import { numberLink } from "./appendix.ts";
import type { Saving, ServiceWeek, WeeklyModel } from "./model.ts";
import { causeName, changeText, dollarsText, verdictText, whoOf } from "./words.ts";

/** What fits on a screen; the query has the rest. */
const HOLDERS_MAX = 10;
const WORSE_MAX = 10;
const SAVINGS_MAX = 20;
const SPOTS_MAX = 25;
const EVIDENCE_LENGTH_MAX = 240;
const SETTING_LENGTH_MAX = 120;

const rest = (left: number, query: string) =>
  left <= 0 ? "" : html`<p class="rest">${numberLink(query, formatCount(left))} more in the query.</p>`;

const ofServices = (number: string) => numberLink("weekly_services", number);
const ofSavings = (number: string) => numberLink("verified_savings", number);

const nameCell = (service: { service: string; environment?: string | null }) =>
  html`<th title="${clipText(service.service, tooltipLengthMax)}"><bdi>${whoOf(service)}</bdi></th>`;

export function holdersSection({ services, serviceCount, findings }: WeeklyModel) {
  const holders = services.filter(({ held }) => held !== null && held > 0);
  if (holders.length === 0) return "";
  const causes = Map.groupBy(findings, ({ finding }) => keyOf(finding));
  const shown = holders.slice(0, HOLDERS_MAX);
  return html`<section aria-labelledby="holders-title">
<h2 id="holders-title">Who holds free memory</h2>
<div class="card wide"><table class="list">
<thead><tr><th>Service</th><th>Held free</th><th class="desk">of it reclaimable</th><th class="desk">of its resident</th><th>Worth, a month</th><th class="desk">Hosts</th><th class="left desk">Open findings</th></tr></thead>
<tbody>${shown.map((service) => {
    const own = causes.get(keyOf(service)) ?? [];
    const change = changeText(service.held, service.heldBefore);
    return html`<tr>${nameCell(service)}<td>${ofServices(formatBytes(service.held))}${
      change === null ? "" : html`<small>${ofServices(change)}</small>`
    }</td><td class="desk">${ofServices(formatBytes(service.reclaimable))}</td><td class="desk">${ofServices(formatShare(shareOf(service)))}</td><td>${ofServices(dollarsText(service.worth))}</td><td class="desk">${ofServices(formatCount(service.hostCount))}</td><td class="left desk">${
      own.length === 0 ? "none" : own.map(({ finding }) => clipName(causeName(finding))).join(", ")
    }</td></tr>`;
  })}</tbody>
</table>${rest((serviceCount ?? shown.length) - shown.length, "weekly_services")}</div>
</section>`;
}

const shareOf = ({ held, rss }: ServiceWeek): number | null => (held === null || !rss ? null : held / rss);
const keyOf = ({ service, environment }: { service: string; environment?: string | null }): string =>
  JSON.stringify([service, environment ?? null]);

export function worseSection({ newFindings, risen, before }: WeeklyModel) {
  return html`<section aria-labelledby="worse-title">
<h2 id="worse-title">What got worse</h2>
<div class="card wide">
${
  newFindings.length === 0
    ? html`<p>No finding is new or worse this week.</p>`
    : html`<ul class="spots">${newFindings
        .slice(0, WORSE_MAX)
        .map(
          (finding) =>
            html`<li><bdi><strong>${whoOf(finding)}</strong></bdi>: ${clipName(causeName(finding))}, since ${formatUtc(finding.since)}${
              finding.excess_bytes == null ? "" : html`, ${numberLink("recent_findings", formatBytes(finding.excess_bytes))}`
            }<small><bdi>${clipText(finding.evidence, EVIDENCE_LENGTH_MAX)}</bdi></small></li>`,
        )}</ul>${rest(newFindings.length - WORSE_MAX, "recent_findings")}`
}
</div>
<div class="card wide">
${
  before === null
    ? html`<p>There are no rows of the week before to compare with.</p>`
    : risen.length === 0
      ? html`<p>No service listed holds a fifth more than the week before, and ${numberLink("weekly_services", "256 MiB")} more.</p>`
      : html`<table class="list">
<thead><tr><th>Service</th><th>More by</th><th class="left">What</th><th class="desk">Week before</th><th>This week</th></tr></thead>
<tbody>${risen
          .slice(0, WORSE_MAX)
          .map(
            (row) =>
              html`<tr>${nameCell(row.service)}<td>${ofServices(formatBytes(row.now - row.before))}</td><td class="left">${row.what === "held" ? "held free" : "live"}</td><td class="desk">${ofServices(formatBytes(row.before))}</td><td>${ofServices(formatBytes(row.now))}</td></tr>`,
          )}</tbody>
</table>${rest(risen.length - WORSE_MAX, "weekly_services")}`
}
</div>
</section>`;
}

export function savingsSection({ savings }: WeeklyModel) {
  return html`<section aria-labelledby="savings-title">
<h2 id="savings-title">Verified savings <span class="count">last four weeks</span></h2>
<div class="card wide">${
    savings.length === 0
      ? html`<p>No recommended setting was seen to change, so nothing could be measured.</p>`
      : html`<table class="list">
<thead><tr><th>Service and change</th><th>Saved on a host</th><th class="desk">before, after</th><th class="desk">Hosts, control</th><th>In all, a month</th></tr></thead>
<tbody>${savings.slice(0, SAVINGS_MAX).map(saving)}</tbody>
</table>${rest(savings.length - SAVINGS_MAX, "verified_savings")}`
  }</div>
</section>`;
}

function saving(row: Saving) {
  const interval =
    row.savedPerHostLow === null || row.savedPerHostHigh === null
      ? ""
      : html`<small>95 %: ${ofSavings(`${formatBytes(row.savedPerHostLow)} to ${formatBytes(row.savedPerHostHigh)}`)}</small>`;
  return html`<tr><th title="${clipText(row.service, tooltipLengthMax)}"><bdi>${whoOf(row)}</bdi><small><strong>${verdictText(row.verdict)}</strong></small><small><bdi>${clipText(row.setting ?? row.recommendationId ?? "a change", SETTING_LENGTH_MAX)}</bdi>, ${formatUtc(row.changedAtMs)}</small></th><td>${ofSavings(formatBytes(row.savedPerHost))}${interval}</td><td class="desk">${ofSavings(formatBytes(row.beforePerHost))}, ${ofSavings(formatBytes(row.afterPerHost))}</td><td class="desk">${ofSavings(formatCount(row.hostCount))}, ${ofSavings(formatCount(row.controlHostCount))}</td><td>${ofSavings(formatBytes(row.savedBytes))}${row.worth === null ? "" : html`<small>${ofSavings(dollarsText(row.worth))}</small>`}</td></tr>`;
}

export function blindSection({ blindSpots }: WeeklyModel) {
  return html`<section aria-labelledby="blind-title">
<h2 id="blind-title">What this report cannot see</h2>
<div class="card wide">${
    blindSpots.length === 0
      ? html`<p>Every host was heard, every process was measured, and no collector lost rows in the last day.</p>`
      : html`<ul class="spots">${blindSpots
          .slice(0, SPOTS_MAX)
          .map(
            ({ query, number, text, why }) =>
              html`<li><strong>${numberLink(query, number)}</strong> <bdi>${text}</bdi>${why === null ? "" : html`<small>${why}</small>`}</li>`,
          )}</ul>`
  }</div>
</section>`;
}
