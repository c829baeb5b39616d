// The weekly report as one HTML page: the essentials on one screen, then what to do, what was saved, what got worse, what is not seen.
// The document is report/frame.ts's, lists are lists.ts's, cards finding-cards.ts's, and what is true is the model's.
import { html } from "hono/html";
import { MEMORY_PRICES_AS_OF } from "../cost/memory-prices.ts";
import { type Html, renderPage } from "../report/frame.ts";
import { listNames } from "../report/text.ts";
import { formatBytes, formatCountOf, formatDuration, formatShare, formatUtc } from "../units.ts";
import { appendix, numberLink } from "./appendix.ts";
import { findingsSection } from "./finding-cards.ts";
import { blindSection, holdersSection, savingsSection, worseSection } from "./lists.ts";
import type { WeeklyModel } from "./model.ts";
import { weeklyStyle } from "./style.ts";
import { type TrendName, trendChart } from "./trend-chart.ts";
import { changeText, dollarsText, headline, savedOf } from "./words.ts";

/** The page as text. Equal models give equal pages; every string of the model is escaped and of bounded length. */
export const renderWeekly = async (model: WeeklyModel): Promise<string> =>
  renderPage({
    title: weeklyTitle(model),
    header: header(model),
    main: html`${tiles(model)}
${await trends(model)}
${findingsSection(model)}
${holdersSection(model)}
${worseSection(model)}
${savingsSection(model)}
${blindSection(model)}
${assumptions(model)}
${appendix(model.queries)}`,
    footer: html`<p>Generated ${formatUtc(model.generatedAtMs)} by Tidemark. Bytes are averages over the hours of the week, summed over processes.</p>`,
    style: weeklyStyle,
  });

export const weeklyTitle = ({ window: { startMs, endMs } }: WeeklyModel): string =>
  `Weekly report, ${formatUtc(startMs).replace(" UTC", "")} to ${formatUtc(endMs)}`;

function header(model: WeeklyModel): Html {
  const { window, now, serviceCount } = model;
  const spanMs = window.endMs - window.startMs;
  return html`<p class="verdict"><bdi>${headline(model)}</bdi></p>
<dl class="watched">
<div><dt>Watched</dt><dd>${
    now === null
      ? "nothing"
      : html`${numberLink("weekly_fleet", formatCountOf(now.processCount, "process", "processes"))} of ${numberLink("weekly_services", formatCountOf(serviceCount, "service", "services"))} on ${numberLink("weekly_fleet", formatCountOf(now.hostCount, "host", "hosts"))}, on average`
  }</dd></div>
<div><dt>Compared with</dt><dd>the ${formatDuration(spanMs)} before${model.before === null ? ", of which there are no rows" : ""}</dd></div>
</dl>`;
}

const ofFleet = (number: string) => numberLink("weekly_fleet", number);

/** The essentials: what one reads who reads nothing else. */
function tiles(model: WeeklyModel) {
  const { now, before, worth, worthBefore, savings } = model;
  const saved = savedOf(savings);
  const share = now === null || now.held === null || !now.rss ? null : now.held / now.rss;
  const change = changeText(now?.held ?? null, before?.held ?? null);
  const left = now?.rss == null || before?.rss == null ? null : changeText(now.rss, before.rss);
  return html`<dl class="tiles">
${tile("Held free", now?.held ?? null, formatBytes, "weekly_fleet", [
  share === null ? null : html`${ofFleet(formatShare(share))} of what is resident`,
  change === null ? null : ofFleet(change),
])}
${tile("Worth, a month", worth?.held ?? null, dollarsText, "weekly_fleet", [
  worthBefore === null ? null : html`${ofFleet(dollarsText(worthBefore.held))} the week before`,
  "at list prices, see below",
])}
${tile("Comes back with a trim", now?.reclaimable ?? null, formatBytes, "weekly_fleet", [
  worth?.reclaimable == null ? null : html`worth ${ofFleet(dollarsText(worth.reclaimable))} a month`,
])}
${
  saved === null
    ? tile("Resident", now?.rss ?? null, formatBytes, "weekly_fleet", [
        left === null ? null : ofFleet(left),
        "nothing verified as saved yet",
      ])
    : tile("Verified as saved", saved.worth, dollarsText, "verified_savings", [
        html`a month: ${numberLink("verified_savings", formatBytes(saved.bytes))} in the last four weeks`,
      ])
}
</dl>`;
}

function tile<T>(
  name: string,
  value: T | null,
  format: (value: T) => string,
  query: string,
  notes: readonly (Html | string | null)[],
) {
  const figure =
    value === null
      ? html`<dd class="big unknown">unknown</dd>`
      : html`<dd class="big">${numberLink(query, format(value))}</dd>`;
  const shown = notes.filter((note) => note !== null);
  return html`<div class="tile"><dt>${name}</dt>${figure}${shown.map((note) => html`<dd><small>${note}</small></dd>`)}</div>`;
}

async function trends({ periods, window }: WeeklyModel) {
  const figures: readonly (readonly [string, readonly TrendName[]])[] = [
    ["What is resident, and what of it is live", ["rss", "live"]],
    ["What is held free, and what of it a trim brings back", ["held", "reclaimable"]],
  ];
  const cards = [];
  for (const [title, names] of figures) {
    const chart = await trendChart(periods, names, window);
    if (chart !== null) cards.push(html`<figure class="card"><figcaption>${title}</figcaption>${chart}</figure>`);
  }
  if (cards.length === 0) return "";
  return html`<section class="trend-section" aria-label="Trend"><div class="grid trends">${cards}</div>
<p class="legend">Averages of ${window.periodMs === DAY_MS ? "a day" : formatDuration(window.periodMs)}, at its start; thin dashes are the week before. ${numberLink("weekly_fleet", "The figures")}</p></section>`;
}

const DAY_MS = 86_400_000;

function assumptions({ worth, findings }: WeeklyModel) {
  if (worth === null && findings.length === 0) return "";
  const families = worth === null ? "" : `, here ${listNames(worth.families, 6)}`;
  return html`<section aria-labelledby="money-title">
<h2 id="money-title">How memory became money</h2>
<div class="card wide">
<p>List prices of ${MEMORY_PRICES_AS_OF}, us-east-1, Linux, on demand, by instance family${families}; yours are lower with savings plans and spot. A month has 730 hours.</p>
<p class="assumptions">The lower figure prices memory alone: what a family with less memory for the same processors costs less, by the GiB. The higher one prices the whole instance by its GiB, which is right where memory decides how many instances there are. Either comes true only once instances get smaller or fewer.</p>
<p class="assumptions">${worth === null || worth.assumedBytes === 0 ? "Every instance type was in the table." : html`${numberLink("weekly_fleet", formatBytes(worth.assumedBytes))} is on instances of types that are not known or not in the table: those are priced as general-purpose Graviton.`} Not all free memory can go: an allocator needs some to work with. What a trim would bring back is the part that costs nothing but the call.</p>
</div>
</section>`;
}
