// The tables of a review. On a phone they scroll sideways by themselves, so that the page does not.
// Which services there are, and in which order, is judge.ts's.
import { html } from "hono/html";
import type { Html } from "../report/frame.ts";
import { queryLink } from "../report/query-links.ts";
import { clipName } from "../report/text.ts";
import { formatBytes, formatCount, formatShare } from "../units.ts";
import type { Moments, ReviewModel, ServiceReview } from "./model.ts";
import { spanText } from "./span.ts";
import { failuresText, hostTroubleText, outcomeWord, whoText, worseText } from "./words.ts";

/** Of thousands of services the table shows those that matter most; the query has all. */
const ROWS_MAX = 100;
const FAILURES_MAX = 40;
const VERSIONS_MAX = 40;

export const tableStyle = `
.section-note{color:var(--muted);font-size:.875rem;margin:-6px 2px 10px}
.plain{margin:0;padding-left:22px}.plain li{margin:4px 0}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:4px 12px}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.scroll table{min-width:100%;width:auto;font-size:.875rem}
.scroll th,.scroll td{padding:6px 8px;border-bottom:1px solid var(--line);vertical-align:top}
.scroll tbody tr:last-child>*{border-bottom:0}
.scroll thead th{color:var(--muted);font-size:.8125rem;text-align:right;white-space:nowrap}
.scroll thead th[scope="colgroup"]{text-align:center}
.scroll thead th.name,.scroll td.words{text-align:left}
.scroll td.words{white-space:normal;min-width:9em}
.scroll tbody th{min-width:8em;max-width:18em;font-weight:600}
.scroll .group{border-left:1px solid var(--line)}
.moments{margin-top:10px;max-width:440px}.moments th,.moments td{padding:4px 0;border-bottom:1px solid var(--line)}
.moments thead th{text-align:right;color:var(--muted);font-size:.8125rem}.moments tbody tr:last-child>*{border-bottom:0}
@media (min-width:720px){.watched{grid-template-columns:repeat(auto-fit,minmax(130px,max-content))}}
`;

const scroll = (label: string, table: Html) =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${table}</div>`;
const rest = (count: number, query: string) =>
  count > 0 ? html`<p class="rest">and ${formatCount(count)} more: tidemark sql ${query} has them all.</p>` : "";

export function failureTable({ services, hostTroubles, queries }: ReviewModel) {
  const failing = services.filter(({ failures }) => failuresText(failures) !== "");
  const hosts = hostTroubles.filter(({ trouble }) => trouble !== "silent" && trouble !== "gap");
  if (failing.length + hosts.length === 0)
    return html`<section aria-labelledby="failed-title"><h2 id="failed-title">What failed</h2><p>Nothing that was seen: no kill, no failed allocation, no swapping. ${queryLink(queries, "review_events")}, ${queryLink(queries, "review_hosts")}</p></section>`;
  return html`<section aria-labelledby="failed-title">
<h2 id="failed-title">What failed</h2>
<p class="section-note">${queryLink(queries, "review_services")}, ${queryLink(queries, "review_events")}, ${queryLink(queries, "review_hosts")}</p>
<ul class="plain">${failing.slice(0, FAILURES_MAX).map((service) => html`<li><strong><bdi>${whoText(service)}</bdi></strong>: ${failuresText(service.failures)}</li>`)}
${hosts.map((trouble) => html`<li>Hosts: ${hostTroubleText(trouble)}</li>`)}</ul>
${rest(failing.length - FAILURES_MAX, "review_services")}
</section>`;
}

/** Before, at and after the peak, of one service. */
export function momentsTable({ rss, live, held, processCount }: ServiceReview) {
  const row = (name: string, moments: Moments, format: (figure: number | null) => string) =>
    html`<tr><th scope="row">${name}</th><td>${format(moments.before)}</td><td>${format(moments.peak)}</td><td>${format(moments.after)}</td></tr>`;
  return html`<table class="moments"><thead><tr><td></td><th scope="col">before</th><th scope="col">peak</th><th scope="col">after</th></tr></thead><tbody>
${row("RSS", rss, formatBytes)}${row("Live", live, formatBytes)}${row("Free, resident", held, formatBytes)}${row("Processes", processCount, formatCount)}
</tbody></table>`;
}

export function serviceTable({ services, queries }: ReviewModel) {
  // Where a service had no process its memory is not unknown.
  const cell = (moments: Moments, at: keyof Moments, service: ServiceReview | null) =>
    service === null ? formatCount(moments[at]) : service.processCount[at] === 0 ? "none" : formatBytes(moments[at]);
  const cells = (moments: Moments, service: ServiceReview | null) =>
    html`<td class="group">${cell(moments, "before", service)}</td><td>${cell(moments, "peak", service)}</td><td>${cell(moments, "after", service)}</td>`;
  const moments = ["before", "peak", "after"].map(
    (at, index) => html`<th scope="col"${index === 0 ? html` class="group"` : ""}>${at}</th>`,
  );
  return html`<section aria-labelledby="services-title">
<h2 id="services-title">Every service <span class="count">${formatCount(services.length)}</span></h2>
<p class="section-note">Sums over its processes; what stayed is of those that lived through it. ${queryLink(queries, "review_services")}</p>
${scroll(
  "Every service before, at and after the peak",
  html`<table><thead>
<tr><th scope="col" rowspan="2" class="name">Service</th><th scope="col" rowspan="2" class="name">What became of it</th><th scope="col" rowspan="2">Stayed</th><th scope="colgroup" colspan="3" class="group">RSS</th><th scope="colgroup" colspan="3" class="group">Live</th><th scope="colgroup" colspan="3" class="group">Free, resident</th><th scope="colgroup" colspan="3" class="group">Processes</th></tr>
<tr>${moments}${moments}${moments}${moments}</tr></thead><tbody>
${services.slice(0, ROWS_MAX).map(
  (
    service,
  ) => html`<tr><th scope="row"><bdi>${whoText(service)}</bdi></th><td class="words">${outcomeWord[service.outcome]}</td><td>${keptCell(service)}</td>${cells(service.rss, service)}${cells(service.live, service)}${cells(service.held, service)}${cells(service.processCount, null)}</tr>
`,
)}</tbody></table>`,
)}
${rest(services.length - ROWS_MAX, "review_services")}
</section>`;
}

const keptCell = ({ kept }: ServiceReview): string =>
  kept === null
    ? "unknown"
    : `${formatBytes(kept.bytes)}${kept.shareOfRise === null ? "" : ` (${formatShare(kept.shareOfRise)})`}`;

/** Services that ran in more than one version, newest version first. */
export function versionTable({ services, worseVersions, queries }: ReviewModel) {
  const several = services.filter(({ versions }) => versions.length > 1);
  if (several.length === 0) return "";
  const rows = several.flatMap((service) => service.versions.map((version) => ({ service, version })));
  return html`<section aria-labelledby="versions-title">
<h2 id="versions-title">By version</h2>
<p class="section-note">Of processes that were seen at the peak and after it, on average. ${queryLink(queries, "review_services")}</p>
${worseVersions.length === 0 ? "" : html`<ul class="plain">${worseVersions.slice(0, VERSIONS_MAX).map((worse) => html`<li><strong>${worseText(worse)}</strong></li>`)}</ul>`}
${scroll(
  "Services by version",
  html`<table><thead><tr><th scope="col" class="name">Service</th><th scope="col" class="name">Version</th><th scope="col">Processes</th><th scope="col">Peak of one</th><th scope="col">After, of one</th><th scope="col">OOM kills</th><th scope="col">Failed allocations</th></tr></thead><tbody>
${rows.slice(0, VERSIONS_MAX).map(
  ({
    service,
    version,
  }) => html`<tr><th scope="row"><bdi>${whoText(service)}</bdi></th><td class="words"><bdi>${version.version === null ? "unknown" : clipName(version.version)}</bdi></td><td>${formatCount(version.processCount)}</td><td>${formatBytes(version.peakPerProcess)}</td><td>${formatBytes(version.afterPerProcess)}</td><td>${formatCount(version.oomKills)}</td><td>${formatCount(version.allocFailures)}</td></tr>
`,
)}</tbody></table>`,
)}
${rest(rows.length - VERSIONS_MAX, "review_services")}
</section>`;
}

export function earlierTable({ services, against, queries }: ReviewModel) {
  const known = against.flatMap(({ span, hasRows }, index) => (hasRows ? [{ span, index }] : []));
  const seen = services.filter(({ earlier }) => earlier.some((peak) => peak !== null));
  if (known.length === 0 || seen.length === 0) return "";
  return html`<section aria-labelledby="earlier-title">
<h2 id="earlier-title">Against earlier peaks</h2>
<p class="section-note">Peak: RSS of all its processes at most. Stayed: of one process that lived through it. ${queryLink(queries, "review_services")}</p>
${scroll(
  "Services against earlier peaks",
  html`<table><thead><tr><th scope="col" rowspan="2" class="name">Service</th><th scope="colgroup" colspan="3" class="group">This peak</th>${known.map(({ span }) => html`<th scope="colgroup" colspan="3" class="group">${spanText(span)}</th>`)}</tr>
<tr>${[null, ...known].map(() => html`<th scope="col" class="group">peak</th><th scope="col">stayed of one</th><th scope="col">failed</th>`)}</tr></thead><tbody>
${seen.slice(0, ROWS_MAX).map(
  (
    service,
  ) => html`<tr><th scope="row"><bdi>${whoText(service)}</bdi></th><td class="group">${formatBytes(service.rss.peak)}</td><td>${formatBytes(service.kept === null ? null : service.kept.bytes / Math.max(1, service.processCount.stayed))}</td><td>${formatCount(service.failures.oomKills + service.failures.allocFailures)}</td>${known.map(
    ({ index }) => {
      const then = service.earlier[index] ?? null;
      return then === null
        ? html`<td class="group" colspan="3">not there</td>`
        : html`<td class="group">${formatBytes(then.rssPeak)}</td><td>${formatBytes(then.keptPerProcess)}</td><td>${formatCount(then.oomKills + then.allocFailures)}</td>`;
    },
  )}</tr>
`,
)}</tbody></table>`,
)}
${rest(seen.length - ROWS_MAX, "review_services")}
</section>`;
}
