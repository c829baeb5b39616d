// Tests of the report as text: what it says, what it must not say, and that nothing in it can run or load.
// It leaves everything that needs a browser (sizes, colours, what is visible) to page-in-chromium.test.ts.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { renderReport } from "../../../../functions/core/report/page.ts";
import {
  calmModel,
  finding,
  healthy,
  hostileModel,
  hostileNames,
  processReport,
  reportModel,
  startMs,
  unknownComposition,
  unknownHeap,
  windowedModels,
} from "./models.ts";

// A page in a failure's message would bury it; these name the pattern and show the surroundings only.
const match = (text: string, pattern: RegExp, about = "") =>
  ok(pattern.test(text), `not found: ${pattern} ${about} in ${text.slice(0, 400)}`);
const doesNotMatch = (text: string, pattern: RegExp, about = "") =>
  ok(!pattern.test(text), `found: ${pattern} ${about} at ${text.slice(Math.max(0, text.search(pattern) - 40)).slice(0, 120)}`);

/** Text of the page as a reader gets it: without tags, entities and style. */
function textOf(page: string): string {
  const text = page.replace(/<style>[\s\S]*?<\/style>|<title>[\s\S]*?<\/title>/g, "").replace(/<[^>]*>/g, " ");
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replace(/\s+/g, " ");
}

const charts = (page: string) => [...page.matchAll(/<svg class="chart"[\s\S]*?<\/svg>/g)].map((found) => found[0]);

test("the verdict counts services and says what each does; the cards give the figures", async () => {
  const text = textOf(await renderReport(reportModel()));
  match(
    text,
    /3 of 5 services keep memory they do not need: billing leaks, search-indexer has too many arenas and checkout is frag/,
  );
  match(text, /2\.3 GiB held in all, of which a trim would give back 1\.1 GiB now\./);
  match(text, /5 processes on ip-10-0-3-17/);
  match(text, /2026-03-01 10:00 to 12:00 UTC \(2 h\)/);
  match(text, /Keeps growing billing Leak Grown by 521 MiB Reclaimable now unknown/);
  match(text, /Since 2026-03-01 11:15 UTC, for 46 min Where 4 processes on 2 hosts/);
  match(text, /256-511 B objects pin 231 MiB, 60 % of what is pinned\./);
  match(text, /the collector took 11\.2 s of CPU \(0\.16 %\), 600 heap walks took 3\.4 s of CPU \(0\.05 %\)\./);
});

test("services are counted only when all processes are drawn, because the rest is not known", async () => {
  const text = textOf(await renderReport(reportModel({ processCount: 40 })));
  match(text, /3 services keep memory they do not need:/);
  match(text, /35 more processes were watched and not drawn\./);
});

test("nothing found is said calmly, without an empty section of findings", async () => {
  const page = await renderReport(calmModel);
  match(textOf(page), /All quiet: nothing found in 5 processes\./);
  doesNotMatch(page, /id="findings"/);
  const none = await renderReport(reportModel({ findings: [finding("gateway", "none")], processes: [healthy] }));
  match(textOf(none), /All quiet/);
});

test("a report that could not see does not sound like health", async () => {
  const blind = textOf(await renderReport(reportModel({ findings: [], processes: [unknownHeap], processCount: 1 })));
  match(blind, /Nothing was found, but no heap could be measured\. 1 of 1 heap shown could not be measured\./);
  const empty = textOf(await renderReport(reportModel({ findings: [], processes: [], processCount: 0, hostNames: [] })));
  match(empty, /Nothing was watched in this window/);
  match(empty, /0 processes on unknown hosts/);
  doesNotMatch(`${blind}${empty}`, /All quiet/);
});

test("every cause of a finding has its words, and one unknown to the page keeps its own name", async () => {
  const causes =
    "leak fragmentation retention arena_bloat cache_growth runtime_heap mapping_growth file_growth alloc_failure".split(" ");
  for (const cause of causes) {
    const text = textOf(await renderReport(reportModel({ findings: [finding("gateway", cause)] })));
    doesNotMatch(text, /no words for this cause/, cause);
  }
  match(
    textOf(await renderReport(reportModel({ findings: [finding("gateway", "moon_phase")] }))),
    /moon_phase .*no words for this cause/,
  );
});

test("a finding's card says the first step, what it brings, the way back, and what is not advised", async () => {
  const text = textOf(await renderReport(reportModel()));
  match(
    text,
    /First step: Run it with jemalloc and its background thread\. Expected: about 409 MiB back in a process \(123 MiB to 454 MiB\), worth/,
  );
  match(
    text,
    /worth \$\d[\d,.]* to \$\d[\d,.]* a month on m7g \(assumed\) once instances get smaller or fewer \(list prices of 20/,
  );
  match(text, /LD_PRELOAD=\S+libjemalloc\.so\.2 MALLOC_CONF=background_thread:true/);
  match(text, /Way back: Take LD_PRELOAD and MALLOC_CONF out and restart\./);
  match(text, /First step: Find what grows with two heap profiles\. Live memory grows: the program still holds it/);
  match(text, /Not advised .*Huge pages for malloc: a free page would go back only with the 2 MiB around it/);
  doesNotMatch(textOf(await renderReport(reportModel({ advice: new Map() }))), /First step/);
});

test("a finding links to the cards of its service's processes, and every link has a target", async () => {
  const page = await renderReport(reportModel());
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map((found) => found[1]);
  ok(targets.length >= 6);
  for (const target of targets) match(page, new RegExp(` id="${target}"`));
  match(page, /<a href="#process-2">pid 3120<\/a>/);
});

test("unknown heaps say why and have no empty chart; RSS is drawn all the same", async () => {
  const page = await renderReport(reportModel({ findings: [], processes: [unknownHeap] }));
  equal(charts(page).length, 1);
  match(textOf(page), /Heap unknown \? The heap does not look like one that Tidemark can read/);
  doesNotMatch(textOf(page), /\b0 B\b/);
  const unmeasured = processReport("ghost", {
    timeline: [],
    composition: unknownComposition,
    heap_unknown_reason: null,
    allocator: null,
  });
  const ghost = await renderReport(reportModel({ findings: [], processes: [unmeasured] }));
  equal(charts(ghost).length, 0);
  match(textOf(ghost), /Nothing was measured in this window\..*No known allocator was found/);
});

test("absent parts of a composition and absent costs are unknown, not zero", async () => {
  const composition = { ...healthy.composition, other_bytes: null, pinned_bytes: null };
  const cost = { collector_cpu_us: null, walk_cpu_us: null, walk_count: null };
  const text = textOf(await renderReport(reportModel({ findings: [], processes: [{ ...healthy, composition }], cost })));
  match(text, /Free, pinned live objects hold its pages unknown/);
  match(text, /the collector took unknown CPU time, unknown heap walks took unknown CPU time/);
});

/** Paths of lines (stroked, not filled) of the first chart; a move after the first one is a gap. */
async function movesOf(timeline: typeof healthy.timeline): Promise<number[]> {
  const page = await renderReport(reportModel({ findings: [], processes: [{ ...healthy, timeline }] }));
  const lines = [...(charts(page)[0] ?? "").matchAll(/<path d="([^"]+)" stroke="var\(--(?:rss|live|free)\)"/g)];
  return lines.map((line) => (line[1] ?? "").split("M").length - 1);
}

test("nulls and missing buckets are gaps in the lines, not lines across them", async () => {
  deepEqual(await movesOf(healthy.timeline), [1, 1, 1]);
  const nulls = healthy.timeline.map((point, index) => (index === 40 ? { ...point, live_bytes: null } : point));
  deepEqual((await movesOf(nulls)).toSorted(), [1, 1, 2]);
  deepEqual(await movesOf(healthy.timeline.filter((_, index) => index < 30 || index > 60)), [2, 2, 2]);
});

test("a value that stands alone between gaps is a dot, because a line has no length there", async () => {
  const timeline = healthy.timeline.map((point, index) =>
    index === 60 ? point : { ...point, rss_bytes: null, live_bytes: null, free_bytes: null },
  );
  const page = await renderReport(reportModel({ findings: [], processes: [{ ...healthy, timeline }] }));
  for (const colour of ["rss", "live", "free"])
    match(page, new RegExp(`<path [^>]*fill="var\\(--${colour}\\)" stroke-width`), colour);
});

test("a long timeline is thinned, and its peak survives", async () => {
  const points = Array.from({ length: 7_200 }, (_, index) => ({
    atMs: startMs + index * 1_000,
    rss_bytes: index === 4_321 ? 900 * 2 ** 20 : 100 * 2 ** 20,
    live_bytes: null,
    free_bytes: null,
  }));
  const page = await renderReport(reportModel({ findings: [], processes: [{ ...healthy, timeline: points }] }));
  ok(page.length < 60_000, `${page.length} characters`);
  match(textOf(page), /peak 900 MiB/);
});

test("the axis of time follows the window: seconds, minutes, the clock, dates", async () => {
  const titles = [
    /30 seconds from the start/,
    /10 minutes from the start/,
    /18:00 Mar 2 06:00 UTC/,
    /Mar 2 Mar 4 Mar 6 Mar 8 UTC/,
  ];
  for (const [index, model] of windowedModels.entries()) match(textOf(await renderReport(model)), titles[index] ?? /never/);
});

test("equal models give equal pages, and the model is not changed", async () => {
  const model = reportModel();
  const before = structuredClone(model);
  const [first, second] = [await renderReport(model), await renderReport(structuredClone(model))];
  equal(first, second);
  deepEqual(model, before);
});

test("hostile names are shown as they are and start nothing", async () => {
  const page = await renderReport(hostileModel);
  doesNotMatch(page, /<(?:script|img|iframe|object|embed|link|base|form)\b/i);
  // Only tags count: as text the same characters are harmless, and must be there.
  for (const tag of page.match(/<[a-z][^>]*>/g) ?? []) {
    doesNotMatch(tag.replace(/"[^"]*"/g, '""'), /\son\w+=|javascript:/i);
  }
  const text = textOf(page);
  for (const name of hostileNames.slice(0, 5)) ok(text.includes(name), name);
  match(text, /‹U\+202E›gnp\.exe‹U\+2066›/);
  // Format characters, and control characters other than the line feed.
  doesNotMatch(page, /\p{Cf}|[^\P{Cc}\n]/u);
  ok(page.isWellFormed());
  // Nothing is longer than a sentence, and names in headings are shorter.
  doesNotMatch(page, /x{1001}|y{1001}/);
  doesNotMatch(page, /<h3[^>]*><bdi>x{81}/);
  equal(page.match(/<\/style>/g)?.length, 1);
});

test("the page names nothing outside itself", async () => {
  for (const model of [reportModel(), hostileModel, calmModel]) {
    const page = await renderReport(model);
    doesNotMatch(page.replaceAll("http-equiv", ""), /https?:|url\(|@import|\bsrc="/i);
    match(page, /content="default-src 'none'; style-src 'unsafe-inline'; img-src data:/);
  }
});

test("every chart has a name for screen readers, and no id occurs twice", async () => {
  const page = await renderReport(reportModel());
  equal(charts(page).length, 9);
  for (const chart of charts(page))
    match(chart, /^<svg class="chart" role="img" aria-label="[^"]{20,}" [^>]*><title>[^<]{20,}<\/title>/);
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((found) => found[1]);
  equal(new Set(ids).size, ids.length);
});
