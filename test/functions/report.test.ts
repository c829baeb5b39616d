// The weekly report as a handler on a lake of real files: what it asks, the page that it keeps, and whom it tells.
// What the page says of which rows is core/weekly's tests'.
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Context } from "aws-lambda";
import { windowBefore } from "../../functions/core/window.ts";
import type { Message, Notifier } from "../../functions/edges.ts";
import { createReportHandler } from "../../functions/report.ts";
import { detectLocally } from "../../local/detect-locally.ts";
import { type Lake, openLake } from "../../local/duckdb.ts";
import { lakeFolder } from "../support/lake.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";
import { collectorSample, hostSample, samples } from "../support/samples.ts";
import { END_MS, HOUR_MS, PERIOD_MS, storyRows, storyWindow } from "../support/stories.ts";

let lake: Lake;
before(async () => {
  const hours = Array.from({ length: 20 }, (_, hour) => END_MS - (24 - hour) * HOUR_MS);
  const silent = {
    host: { host_id: "i-gone", boot_id: "b" },
    samples: samples({ host: hours.map((sampled_at, at) => hostSample({ sequence: 9_000 + at, sampled_at })) }),
  };
  const alive = samples({
    process: storyRows,
    host: [hostSample({ sequence: 90_000, sampled_at: END_MS - 60_000 })],
    collector: [collectorSample({ sequence: 91_000, sampled_at: END_MS - 60_000, row_count: 1_000, row_dropped_count: 500 })],
  });
  const folder = await lakeFolder([{ samples: alive }, silent], END_MS, true);
  const first = await openLake(folder);
  await detectLocally(first, folder, storyWindow, {});
  first.close();
  // Opened again: a table that was empty is not seen by a lake that was open then.
  lake = await openLake(folder);
});
after(() => lake.close());

async function report(edge: { lake?: MemoryStore; notifier?: Notifier; endMs?: number; periods?: number } = {}) {
  const store = edge.lake ?? memoryStore();
  const messages: Message[] = [];
  const handler = createReportHandler({
    queries: lake,
    catalogue: lake.catalogue,
    lake: store,
    notifier: edge.notifier ?? { send: async (message) => void messages.push(message) },
  });
  const window = windowBefore(edge.endMs ?? END_MS, PERIOD_MS, edge.periods ?? 1);
  const key = await handler({ window }, {} as Context);
  return { key, page: Buffer.from(store.objects.get(key) ?? []).toString(), messages, store };
}

test("the page of a week is kept and told with its link; the same week again takes its place", async () => {
  const store = memoryStore();
  const { key, page, messages } = await report({ lake: store });
  equal(key, "reports/weekly-report-2026-11-23T0000.html");
  match(page, /fragmented/);
  match(page, /Retention/);
  equal(messages.length, 1);
  equal(messages[0]?.topic, "reports");
  match(messages[0]?.text ?? "", /The page: https:\/\/store\.example\/reports%2Fweekly-report/);
  ok((messages[0]?.slack?.length ?? 0) > 5);
  const again = await report({ lake: store });
  deepEqual([...store.objects.keys()], [key]);
  equal(again.page, page, "byte for byte");
});

test("every query that the page names is shown with the parameters of this week, and its command gives rows", async () => {
  const { page } = await report();
  const commands = Array.from(page.matchAll(/<pre><code>tidemark sql (\S+) ([^<]*)<\/code>/g), ([, name = "", given = ""]) => ({
    name,
    parameters: Object.fromEntries(
      Array.from(given.matchAll(/--param ([a-z_]+)=(\S+)/g), ([, key = "", value = ""]) => [key, value]),
    ),
  }));
  deepEqual(
    commands.map(({ name }) => name),
    [
      "weekly_fleet",
      "weekly_services",
      "weekly_worst_processes",
      "weekly_unmeasured",
      "recent_findings",
      "verified_savings",
      "hosts_silent",
      "collector_losses",
      "recent_recommendations",
    ],
  );
  // Nothing was recommended or changed in this lake.
  const empty = ["verified_savings", "recent_recommendations"];
  for (const { name, parameters } of commands) {
    const [dt_first, dt_last] = [parameters["window_start"], parameters["window_end"]].map((time) => time?.slice(0, 10) ?? "");
    const rows = await lake.run(name, { ...parameters, dt_first: dt_first ?? "", dt_last: dt_last ?? "" });
    if (!empty.includes(name)) ok(rows.length > 0, `${name} answers the page's own command with nothing`);
  }
});

test("what it cannot see is said: silent hosts, lost rows, processes without figures", async () => {
  const { page } = await report();
  match(page, /1 host<\/a><\/strong> <bdi>went silent in the last day[^<]*: i-gone/);
  match(page, /1 collector<\/a><\/strong> <bdi>dropped rows in the last day \(500 rows\)/);
  match(page, /2 processes<\/a><\/strong> <bdi>of 2 services/);
});

test("a lake without rows of the week says so, and is told as well", async () => {
  const { page, messages } = await report({ endMs: END_MS - 400 * PERIOD_MS, periods: 7 });
  match(page, /Nothing was measured this week/);
  match(messages[0]?.subject ?? "", /nothing was measured/);
  doesNotMatch(page, /<a class="n"[^>]*>0 B/);
});

test("when telling fails the page is there and the run fails, so that it is told by the retry", async () => {
  const store = memoryStore();
  const notifier = { send: () => Promise.reject(new Error("SNS is down")) };
  await rejects(report({ lake: store, notifier }), /SNS is down/);
  equal(store.objects.size, 1);
});
