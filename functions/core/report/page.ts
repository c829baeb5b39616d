// The report as one HTML page that needs nothing but itself: header with the verdict, findings, processes, footer.
// It leaves cards to finding-card.ts and process-card.ts, the document to frame.ts, and what is true to the model.
import { html } from "hono/html";
import { causeText } from "../causes.ts";
import { formatCountOf, formatDuration, formatShare, formatUtc } from "../units.ts";
import { findingCard } from "./finding-card.ts";
import { renderPage } from "./frame.ts";
import type { ReportModel } from "./model.ts";
import { processCard } from "./process-card.ts";
import { clipText, listNames, sentenceLengthMax } from "./text.ts";
import { rankedFindings, verdict } from "./verdict.ts";

/** The page as text. Equal models give equal pages; every string of the model is escaped and of bounded length. */
export const renderReport = async (model: ReportModel): Promise<string> =>
  renderPage({
    title: model.title,
    header: header(model),
    main: html`${findingsSection(model)}
${await processesSection(model)}`,
    footer: footer(model),
  });

/** A header names a few hosts; a fleet is a number. */
const hostCountMax = 3;

function header(model: ReportModel) {
  const { kind, sentence, note } = verdict(model);
  const spanMs = model.windowEndMs - model.windowStartMs;
  return html`<p class="verdict verdict-${kind}"><bdi>${sentence}</bdi></p>
${note === null ? "" : html`<p class="verdict-note">${note}</p>`}
<dl class="watched">
<div><dt>Watched</dt><dd>${formatCountOf(model.processCount, "process", "processes")} on ${hosts(model.hostNames)}</dd></div>
<div><dt>Window</dt><dd>${windowText(model)} <span class="nowrap">(${formatDuration(spanMs)})</span></dd></div>
</dl>`;
}

function hosts(names: readonly string[]) {
  if (names.length === 0) return "unknown hosts";
  const shown = names.map((name) => clipText(name, 40));
  return html`<bdi>${listNames(shown, hostCountMax)}</bdi>`;
}

/** Start and end, the date said once when both are on the same day. */
function windowText(model: ReportModel): string {
  const [start, end] = [formatUtc(model.windowStartMs), formatUtc(model.windowEndMs)];
  const [startDate, startTime] = start.split(" ");
  const [endDate, endTime] = end.split(" ");
  if (endTime === undefined || startTime === undefined || startDate === undefined) return `${start} to ${end}`;
  return startDate === endDate ? `${startDate} ${startTime} to ${endTime} UTC` : `${startDate} ${startTime} to ${end}`;
}

const cardId = (index: number) => `process-${index + 1}`;

function findingsSection(model: ReportModel) {
  const findings = rankedFindings(model);
  if (findings.length === 0) return "";
  const cards = findings.map((finding) => {
    const links = model.processes.flatMap((process, index) =>
      process.service === finding.service ? [{ id: cardId(index), pid: process.pid }] : [],
    );
    return findingCard(finding, links, model.advice.get(finding.finding_id) ?? null);
  });
  return html`<section id="findings" aria-labelledby="findings-title">
<h2 id="findings-title">Findings <span class="count">${findings.length}</span></h2>
<div class="grid">${cards}</div>
</section>`;
}

async function processesSection(model: ReportModel) {
  if (model.processes.length === 0) return "";
  const findings = rankedFindings(model);
  const { windowStartMs, windowEndMs } = model;
  const cards = [];
  for (const [index, process] of model.processes.entries()) {
    const own = findings.filter((finding) => finding.service === process.service);
    const causes = [...new Set(own.map((finding) => causeText(finding.cause).name))];
    cards.push(await processCard(process, { id: cardId(index), windowStartMs, windowEndMs, causes }));
  }
  const rest = model.processCount - model.processes.length;
  return html`<section aria-labelledby="processes-title">
<h2 id="processes-title">Processes <span class="count">${model.processes.length}</span></h2>
<div class="grid">${cards}</div>
${rest > 0 ? html`<p class="rest">${formatCountOf(rest, "more process was", "more processes were")} watched and not drawn.</p>` : ""}
</section>`;
}

function footer(model: ReportModel) {
  return html`<p><strong>What watching cost:</strong> ${clipText(costText(model), sentenceLengthMax)}</p>
<p>Generated ${formatUtc(model.generatedAtMs)} by Tidemark.</p>`;
}

function costText(model: ReportModel): string {
  const { collector_cpu_us, walk_cpu_us, walk_count } = model.cost;
  const spanUs = (model.windowEndMs - model.windowStartMs) * 1_000;
  const hostCount = Math.max(model.hostNames.length, 1);
  const share = (cpuUs: number | null) => (cpuUs === null || spanUs <= 0 ? null : cpuUs / spanUs / hostCount);
  const cpu = (cpuUs: number | null) =>
    cpuUs === null ? "unknown CPU time" : `${formatDuration(cpuUs / 1_000)} of CPU (${formatShare(share(cpuUs))})`;
  const perHost = hostCount > 1 ? " on each host, on average" : "";
  return `the collector took ${cpu(collector_cpu_us)}, ${formatCountOf(walk_count, "heap walk", "heap walks")} took ${cpu(walk_cpu_us)}. Shares are of one CPU over the window${perHost}.`;
}
