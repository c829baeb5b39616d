// A review of a peak on lakes with known stories: what is said of each service, and what must not be said.
// What the single judgements take is core/review's; the event is aws/events.test.ts's.
import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Context } from "aws-lambda";
import { askReview } from "../../functions/ask/review.ts";
import { queryCommand } from "../../functions/core/report/query-links.ts";
import { reviewText } from "../../functions/core/review/message.ts";
import type { ReviewModel, ServiceReview } from "../../functions/core/review/model.ts";
import { renderReview } from "../../functions/core/review/page.ts";
import { type ReviewRequest, reviewSpans } from "../../functions/core/review/span.ts";
import type { Message, QueryEngine, ResultRow } from "../../functions/edges.ts";
import { createReviewHandler } from "../../functions/review.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { folderStore } from "../../local/folder-store.ts";
import { completed } from "../../local/sql/named.ts";
import { recommendationColumns } from "../../schema/made-columns.ts";
import { lakeFolder, withLake } from "../support/lake.ts";
import { AFTERWARDS_MS, earlierPeak, HOSTILE, HOUR_MS, MIB, peak, peakDeliveries } from "../support/peak-stories.ts";

const request: ReviewRequest = { ...peak, title: null, against: [], weeks: 0 };
let folder: string;
let lake: Lake;
let model: ReviewModel;

before(async () => {
  folder = await lakeFolder(peakDeliveries(), AFTERWARDS_MS, true);
  lake = await openLake(folder);
  model = await reviewed({ against: [earlierPeak] });
});

after(() => {
  lake.close();
  rmSync(folder, { recursive: true });
});

const reviewed = (values: Partial<ReviewRequest> = {}, queries: Pick<QueryEngine, "run"> = lake) =>
  askReview(queries, {
    spans: reviewSpans({ ...request, ...values }, AFTERWARDS_MS),
    thresholds: {},
    catalogue: lake.catalogue,
    generatedAtMs: AFTERWARDS_MS,
  });

const of = (service: string): ServiceReview => {
  const found = model.services.find((candidate) => candidate.service === service);
  ok(found, `${service} is in the review`);
  return found;
};

test("every service has its outcome: kept, grown, went back, restarted, begun, ended", () => {
  const outcomes = Object.fromEntries(model.services.map(({ service, outcome }) => [service, outcome]));
  deepEqual(outcomes, {
    ratchet: "kept",
    retainer: "kept",
    returns: "returned",
    level: "level",
    leaks: "grown",
    unseen: "stayed",
    killed: "returned",
    failing: "returned",
    "past-failures": "level",
    restarted: "restarted",
    begins: "started",
    ends: "ended",
    versioned: "kept",
    [HOSTILE]: "kept",
  });
});

test("what stayed is told in bytes, as a share of the rise, and with its cause", () => {
  const { kept, rss, live, held, cause, processCount } = of("ratchet");
  deepEqual(kept, { bytes: 600 * MIB, shareOfRise: 0.75, liveBytes: 10 * MIB });
  deepEqual(rss, { before: 200 * MIB, peak: 1_000 * MIB, after: 800 * MIB });
  deepEqual(live, { before: 160 * MIB, peak: 800 * MIB, after: 170 * MIB });
  deepEqual([held.before, held.after], [30 * MIB, 620 * MIB]);
  deepEqual(processCount, { before: 2, peak: 2, after: 2, stayed: 2, started: 0, ended: 0 });
  deepEqual(cause, { name: "fragmentation", isFromDetection: false });
  deepEqual(of("retainer").cause, { name: "retention", isFromDetection: false });
  equal(of("unseen").kept?.liveBytes, null);
});

test("only what failed within the peak counts, however it was told", () => {
  const failures = (service: string) => {
    const { oomKills, allocFailures } = of(service).failures;
    return { oomKills, allocFailures };
  };
  deepEqual(failures("killed"), { oomKills: 3, allocFailures: 0 });
  deepEqual(failures("failing"), { oomKills: 0, allocFailures: 65 });
  deepEqual(failures("past-failures"), { oomKills: 0, allocFailures: 0 });
  deepEqual(failures("returns"), { oomKills: 0, allocFailures: 0 });
});

test("hosts: a kill by the kernel, swapping, and one that fell silent; all that were seen are counted", () => {
  equal(model.hostCount, 3);
  deepEqual(
    model.hostTroubles.map(({ trouble, hostCount, eventCount, hostId }) => [trouble, hostCount, eventCount, hostId]),
    [
      ["oom_kills", 1, 2, "i-second"],
      ["silent", 1, 0, "i-silent"],
      ["swap", 1, 0, "i-second"],
    ],
  );
});

test("a version that holds more than the one before it is named with both figures", () => {
  const [worse, ...others] = model.worseVersions;
  deepEqual(others, []);
  deepEqual(worse, {
    service: "versioned",
    environment: null,
    version: "2.0",
    olderVersion: "1.9",
    afterPerProcess: 400 * MIB,
    olderAfterPerProcess: 100 * MIB,
    morePerProcess: 300 * MIB,
    processCount: 2,
  });
});

test("against an earlier peak: what it took and what it left then; one that the lake does not have is said to be missing", async () => {
  deepEqual(model.against, [{ span: earlierPeak, hasRows: true }]);
  equal(of("ratchet").earlier[0]?.keptBytes, 200 * MIB);
  equal(of("killed").earlier[0]?.oomKills, 0);
  const weeks = await reviewed({ weeks: 2 });
  deepEqual(
    weeks.against.map(({ span, hasRows }) => [span.fromMs, hasRows]),
    [
      [earlierPeak.fromMs, true],
      [earlierPeak.fromMs - 7 * 24 * HOUR_MS, false],
    ],
  );
  match(reviewText(weeks, "x"), /no rows of the earlier peak, 2026-11-06 10:00 to 18:00 UTC/);
});

test("what to change: what failed first, then by dollars, nothing for who gave it back", () => {
  const order = model.changes.map(({ service, because }) => [service, because]);
  deepEqual(new Set(order.slice(0, 2).map(([service]) => service)), new Set(["killed", "failing"]));
  const killed = model.changes.find(({ service }) => service === "killed");
  equal(killed?.recommendation.id, "platform.memory_limit", "what was live did not fit its limit");
  const worth = model.changes.slice(2).map(({ recommendation }) => recommendation.dollarsPerMonth?.most ?? 0);
  deepEqual(
    worth,
    worth.toSorted((a, b) => b - a),
  );
  const services = model.changes.map(({ service }) => service);
  for (const calm of ["returns", "level", "past-failures", "begins", "ends", "restarted"]) ok(!services.includes(calm), calm);
  for (const held of ["ratchet", "retainer", "versioned"]) ok(services.includes(held), held);
});

test("what was tried on a service since and did not help is not what to change", async () => {
  const change = model.changes.find(({ service }) => service === "ratchet");
  ok(change, "there is something to change");
  const { service, environment, cause } = change;
  const withdrawn = { service, environment, cause, recommendation_id: change.recommendation.id, state: "withdrawn" };
  const absent = Object.fromEntries(Object.keys(recommendationColumns).map((name) => [name, null]));
  const said = { finding_id: "f", title: "a title", changes: "", withdrawn_because: "no effect on 12 hosts" };
  const since: ResultRow = { ...absent, ...withdrawn, ...said, recommended_at: AFTERWARDS_MS, first_recommended_at: peak.toMs };
  const asked: Pick<QueryEngine, "run"> = {
    run: async (name, parameters) => (name === "recent_recommendations" ? [since] : lake.run(name, parameters)),
  };
  const later = await reviewed({}, asked);
  notEqual(later.changes.find((one) => one.service === "ratchet")?.recommendation.id, change.recommendation.id);
  equal(later.changes.length >= model.changes.length - 1, true);
});

test("a short peak is read from its minutes, and tells the same of who keeps memory", async () => {
  const short = await reviewed({ fromMs: peak.toMs - 5 * HOUR_MS, toMs: peak.toMs });
  equal(short.reads, "minutes");
  // Before it, the service was in the peak already: it went down, and kept nothing.
  equal(short.services.find(({ service }) => service === "ratchet")?.outcome, "level");
  const rise = await reviewed({ fromMs: peak.fromMs, toMs: peak.fromMs + 6 * HOUR_MS });
  equal(rise.services.find(({ service }) => service === "level")?.outcome, "level");
});

test("a peak that has only just ended is told as far as it is known", async () => {
  const nowMs = peak.toMs;
  const fresh = await askReview(lake, {
    spans: reviewSpans(request, nowMs),
    thresholds: {},
    catalogue: lake.catalogue,
    generatedAtMs: nowMs,
  });
  equal(fresh.endMs, nowMs);
  deepEqual([...new Set(fresh.services.map(({ outcome }) => outcome))], ["open"]);
  equal(fresh.services.find(({ service }) => service === "killed")?.failures.oomKills, 3);
});

test("the page says it all with every stranger's name escaped, and links each number to its query", async () => {
  const page = await renderReview(model);
  ok(!page.includes("<script"), "no script of a stranger");
  ok(!page.includes("\u202e"), "no hidden direction");
  match(page, /&lt;script&gt;/);
  match(page, /What to change before the next one/);
  match(page, /2026-11-13 10:00 to 18:00 UTC/);
  ok(page.length < 400_000, `${page.length} characters`);
  for (const [, target] of page.matchAll(/href="#(query-\d+)"/g)) match(page, new RegExp(`id="${target}"`));
  match(
    page,
    /tidemark sql review_services --param window_start=2026-11-20T06:00:00 --param window_end=2026-11-20T22:00:00 --param peak_from=2026-11-20T10:00:00/,
  );
  equal(page, await renderReview(model), "equal models give equal pages");
});

test("every command of the appendix runs as it stands and gives the rows again", async () => {
  const query = (name: string) => {
    const found = lake.catalogue.get(name);
    ok(found, name);
    return found;
  };
  const noWindow = () => Promise.reject(new Error("the command names its window"));
  for (const link of model.queries) {
    const given = queryCommand(link)
      .split(" --param ")
      .slice(1)
      .map((pair) => pair.split("="));
    const parameters = await completed(query(link.name), Object.fromEntries(given), noWindow);
    deepEqual(await lake.run(link.name, parameters), await lake.run(link.name, link.parameters), queryCommand(link));
  }
});

test("an empty lake: the page and the text say that there is nothing to say", async () => {
  await withLake([], AFTERWARDS_MS, async (empty) => {
    const spans = reviewSpans(request, AFTERWARDS_MS);
    const none = await askReview(empty, { spans, thresholds: {}, catalogue: lake.catalogue, generatedAtMs: AFTERWARDS_MS });
    deepEqual([none.services, none.changes, none.hostCount], [[], [], null]);
    match(await renderReview(none), /The lake has no rows of this peak/);
    match(reviewText(none, "reports/x.html"), /The lake has no rows of this peak[\s\S]*No host reported/);
  });
});

test("the handler keeps the page, tells the reports topic, and refuses what is no peak before it asks anything", async () => {
  const sent: Message[] = [];
  const store = folderStore(folder);
  const handler = createReviewHandler({
    queries: lake,
    lake: store,
    notifier: { send: async (message) => void sent.push(message) },
    thresholds: {},
    catalogue: lake.catalogue,
    nowMs: () => AFTERWARDS_MS,
  });
  const context = { functionName: "review", getRemainingTimeInMillis: () => 900_000 } as Context;
  const key = await handler({ ...request, title: "Black Friday" }, context);
  equal(key, "reports/peak-review-2026-11-20T1000-2026-11-20T1800.html");
  match(Buffer.from((await store.get(key)) ?? []).toString(), /<title>Black Friday<\/title>/);
  const [message, ...others] = sent;
  deepEqual(others, []);
  ok(message?.topic === "reports" && message.subject === "Tidemark: Black Friday");
  match(message.text, /What to change before the next one:\n1\. /);
  match(message.text, /- killed: 3 OOM kills/);
  match(message.text, /restarted: 0 stayed, 1 started, 1 ended/);
  ok(message.text.length < 20_000);
  ok((message.slack?.length ?? 0) > 3 && (message.slack?.length ?? 0) <= 50);
  await rejects(handler({ ...request, toMs: request.fromMs }, context), /must end after it begins/);
  equal(sent.length, 1);
});
