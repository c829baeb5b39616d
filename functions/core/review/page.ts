// The review as one HTML page: verdict, changes, failures, who kept memory, every service, versions, earlier peaks, blind spots, queries.
// Tables are tables.ts's, sentences words.ts's, the document report/frame.ts's.
import { html } from "hono/html";
import { causeText } from "../causes.ts";
import { adviceBlock } from "../report/advice-block.ts";
import { renderPage } from "../report/frame.ts";
import { queryAppendix, queryLink, queryStyle } from "../report/query-links.ts";
import { timelineChart } from "../report/timeline-chart.ts";
import { formatCountOf, formatDuration, formatUtc } from "../units.ts";
import { sums } from "./message.ts";
import { type Change, keyOf, type ReviewModel, type ServiceReview } from "./model.ts";
import { spanText } from "./span.ts";
import { earlierTable, failureTable, momentsTable, serviceTable, tableStyle, versionTable } from "./tables.ts";
import { blindSpots, changeTitle, churnText, keptText, outcomeWord, staysUp, verdictOf, whoText } from "./words.ts";

/** More charts than this nobody looks at, and each is some ten KiB of the page. */
const CARDS_MAX = 8;

/** The page as text. Equal models give equal pages; every string of the model is escaped and of bounded length. */
export const renderReview = async (model: ReviewModel): Promise<string> =>
  renderPage({
    title: model.title,
    header: header(model),
    main:
      model.services.length === 0
        ? html`${blindSection(model)}${queryAppendix(model.queries)}`
        : html`${changesSection(model)}
${failureTable(model)}
${await keptSection(model)}
${serviceTable(model)}
${versionTable(model)}
${earlierTable(model)}
${blindSection(model)}
${queryAppendix(model.queries)}`,
    footer: html`<p>Read as ${model.reads === "hours" ? "rolled-up hours" : "rows of minutes"}, ${formatUtc(model.startMs)} to ${formatUtc(model.endMs)}. Before and after are the calmest moment of each process there.</p>
<p>Generated ${formatUtc(model.generatedAtMs)} by Tidemark.</p>`,
    style: `${queryStyle}${tableStyle}`,
  });

function header(model: ReviewModel) {
  const { kind, sentence } = verdictOf(model);
  const { fromMs, toMs } = model.peak;
  return html`<p class="verdict verdict-${kind}"><bdi>${sentence}</bdi></p>
<dl class="watched">
<div><dt>Peak</dt><dd>${spanText(model.peak)} <span class="nowrap">(${formatDuration(toMs - fromMs)})</span></dd></div>
<div><dt>Seen</dt><dd>${formatCountOf(model.services.length, "service", "services")} on ${formatCountOf(model.hostCount, "host", "hosts")}</dd></div>
${model.services.length === 0 ? "" : sums(model).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;
}

function changesSection({ changes, queries }: ReviewModel) {
  if (changes.length === 0) return "";
  return html`<section aria-labelledby="changes-title">
<h2 id="changes-title">What to change before the next one <span class="count">${changes.length}</span></h2>
<p class="section-note">What failed comes first, then what is worth most. By the figures of the process that held most: ${queryLink(queries, "heap_composition")}.</p>
<div class="grid">${changes.map(changeCard)}</div>
</section>`;
}

function changeCard(change: Change, index: number) {
  const { cause, because, recommendation } = change;
  const { name, severity } = causeText(cause);
  const shown = because === "failed" ? "act" : severity;
  return html`<article class="card finding sev-${shown}">
<header><p class="badge">${index + 1}. ${because === "failed" ? "It failed" : "Memory stayed"}</p>
<h3><bdi>${changeTitle(change)}</bdi></h3><p class="cause">${name}, ${formatCountOf(change.processCount, "process", "processes")}</p></header>
${adviceBlock({ recommendations: [recommendation], notAdvised: [] })}
</article>`;
}

async function keptSection(model: ReviewModel) {
  const kept = model.services.filter(staysUp);
  if (kept.length === 0) return "";
  const cards = [];
  for (const service of kept.slice(0, CARDS_MAX)) cards.push(await keptCard(model, service));
  return html`<section aria-labelledby="kept-title">
<h2 id="kept-title">Who kept memory <span class="count">${kept.length}</span></h2>
<p class="section-note">Told by the processes that lived through it: ${queryLink(model.queries, "review_services")}, ${queryLink(model.queries, "review_timeline")}.</p>
<div class="grid">${cards}</div>
${kept.length > CARDS_MAX ? html`<p class="rest">${formatCountOf(kept.length - CARDS_MAX, "more service is", "more services are")} in the table below.</p>` : ""}
</section>`;
}

async function keptCard(model: ReviewModel, service: ServiceReview) {
  const { startMs, endMs, peak } = model;
  const points = model.timelines.get(keyOf(service)) ?? [];
  const chart = await timelineChart(points, startMs, endMs, peak);
  const churn = churnText(service);
  return html`<article class="card process">
<header><h3><bdi>${whoText(service)}</bdi></h3><p class="meta">${outcomeWord[service.outcome]}</p></header>
<p class="evidence">${keptText(service)}</p>
${chart === null ? "" : html`<figure><figcaption>Memory of all its processes, the peak shaded</figcaption>${chart}</figure>`}
${momentsTable(service)}
${churn === null ? "" : html`<p class="meta">Processes: ${churn}.</p>`}
</article>`;
}

function blindSection(model: ReviewModel) {
  const spots = blindSpots(model);
  if (spots.length === 0) return "";
  return html`<section aria-labelledby="blind-title">
<h2 id="blind-title">What could not be seen</h2>
<ul class="plain">${spots.map((spot) => html`<li>${spot}</li>`)}</ul>
<p class="section-note">${queryLink(model.queries, "review_hosts")}</p>
</section>`;
}
