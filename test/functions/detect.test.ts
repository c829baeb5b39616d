// Detection and reports as handlers: what is filed, who is told, and what is not said twice.
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { test } from "node:test";
import type { Context, SNSEvent } from "aws-lambda";
import { windowBefore } from "../../functions/core/window.ts";
import { createDetectHandler, type LakeObservation } from "../../functions/detect.ts";
import type { Message, QueryEngine, ResultRow } from "../../functions/edges.ts";
import { createReportHandler } from "../../functions/report.ts";
import { createSlackHandler } from "../../functions/slack.ts";
import { memoryStore } from "../support/memory-store.ts";
import { queryWithDuckdb } from "./core/parquet/readers.ts";

const END_MS = Date.UTC(2026, 10, 23, 12);
const window = windowBefore(END_MS, 86_400_000, 7);
const MIB = 1_024 * 1_024;

const growth: ResultRow = {
  host_id: "i-1",
  process_key: "b-1-1",
  service: "checkout",
  pid: 1,
  since: END_MS - 1,
  period_count: 3,
  live_bytes_first: MIB,
  live_bytes_last: 41 * MIB,
  growth_bytes: 40 * MIB,
  last_step_bytes: 20 * MIB,
};

function engine(answers: Readonly<Record<string, readonly ResultRow[]>>) {
  const asked: { name: string; parameters: object }[] = [];
  const queries: QueryEngine = {
    async run(name, parameters) {
      asked.push({ name, parameters });
      return answers[name] ?? [];
    },
    unload: () => Promise.reject(new Error("nobody asked for that")),
  };
  return { queries, asked };
}

const observe = () => undefined;

function mailbox() {
  const messages: Message[] = [];
  return { messages, notifier: { send: async (message: Message) => void messages.push(message) } };
}

test("a new finding is filed as a row and told once; thresholds and the window reach the queries", async () => {
  const lake = memoryStore();
  const { queries, asked } = engine({ live_growth: [growth] });
  const { messages, notifier } = mailbox();
  const handler = createDetectHandler({ queries, lake, notifier, thresholds: { growth_bytes_min: 5 }, observe });
  const findings = await handler({ window }, {} as Context);
  equal(findings.length, 1);
  deepEqual(
    messages.map((message) => message.attributes["service"]),
    ["checkout"],
  );
  const [key] = lake.objects.keys();
  equal(key, `lake/finding/dt=2026-11-23/hr=12/detect-${END_MS}.parquet`);
  const rows = await queryWithDuckdb(
    Buffer.from(lake.objects.get(key ?? "") ?? []),
    "SELECT service, cause, excess_bytes FROM t",
  );
  deepEqual(rows, [{ service: "checkout", cause: "leak", excess_bytes: 40 * MIB }]);
  const question = asked.find(({ name }) => name === "live_growth");
  deepEqual(question?.parameters, {
    growth_bytes_min: 5,
    window_start: window.startMs,
    window_end: END_MS,
    dt_first: "2026-11-16",
    dt_last: "2026-11-23",
    period_seconds: 86_400,
  });
});

test("a finding that was there within a day is filed again but not told again", async () => {
  const first = await createDetectHandler({
    ...engine({ live_growth: [growth] }),
    lake: memoryStore(),
    ...mailbox(),
    thresholds: {},
    observe,
  })({ window }, {} as Context);
  const known = [{ finding_id: first[0]?.finding_id ?? "", excess_bytes_last: 30 * MIB }];
  const lake = memoryStore();
  const { messages, notifier } = mailbox();
  const { queries } = engine({ live_growth: [growth], recent_findings: known });
  await createDetectHandler({ queries, lake, notifier, thresholds: {}, observe })({ window }, {} as Context);
  deepEqual([messages.length, lake.objects.size], [0, 1]);
});

test("a known finding is told again when it concerns twice the memory", async () => {
  const { queries } = engine({ live_growth: [growth] });
  const [finding] = await createDetectHandler({ queries, lake: memoryStore(), ...mailbox(), thresholds: {}, observe })(
    { window },
    {} as Context,
  );
  const { messages, notifier } = mailbox();
  const known = [{ finding_id: finding?.finding_id ?? "", excess_bytes_last: 20 * MIB }];
  const grown = engine({ live_growth: [growth], recent_findings: known });
  await createDetectHandler({ ...grown, lake: memoryStore(), notifier, thresholds: {}, observe })({ window }, {} as Context);
  equal(messages.length, 1);
});

test("how fresh the lake is is observed with each run, and unknown when the day has no samples", async () => {
  const seen: LakeObservation[] = [];
  const edge = {
    lake: memoryStore(),
    ...mailbox(),
    thresholds: {},
    observe: (observation: LakeObservation) => void seen.push(observation),
  };
  const freshness = [{ newest_sample_age_seconds: 90, silent_host_count: 2 }];
  await createDetectHandler({ ...edge, ...engine({ sample_freshness: freshness }) })({ window }, {} as Context);
  await createDetectHandler({ ...edge, ...engine({}) })({ window }, {} as Context);
  deepEqual(seen, [
    { findingsOpen: 0, newestSampleAgeSeconds: 90, silentHosts: 2 },
    { findingsOpen: 0, newestSampleAgeSeconds: null, silentHosts: null },
  ]);
});

test("when telling fails nothing is filed, so that the next run tells it", async () => {
  const lake = memoryStore();
  const notifier = { send: () => Promise.reject(new Error("SNS is down")) };
  const { queries } = engine({ live_growth: [growth] });
  await rejects(
    createDetectHandler({ queries, lake, notifier, thresholds: {}, observe })({ window }, {} as Context),
    /SNS is down/,
  );
  equal(lake.objects.size, 0);
});

test("a report is kept as a page and announced with its key, a review under its own name", async () => {
  for (const [kind, name] of [
    ["weekly report", "weekly-report"],
    ["peak review", "peak-review"],
  ] as const) {
    const lake = memoryStore();
    const { messages, notifier } = mailbox();
    const { queries } = engine({ live_growth: [growth] });
    const key = await createReportHandler({ queries, lake, notifier, thresholds: {} })({ kind, window }, {} as Context);
    equal(key, `reports/${name}-2026-11-23T1200.html`);
    match(Buffer.from(lake.objects.get(key) ?? []).toString(), /checkout/);
    match(messages[0]?.text ?? "", new RegExp(`The page: ${key}`));
    equal(messages[0]?.topic, "reports");
  }
});

test("each SNS record becomes one post to Slack, and a refused post fails the delivery", async () => {
  const bodies: string[] = [];
  const event = { Records: [{ Sns: { Subject: "s1", Message: "m1" } }, { Sns: { Message: "m2" } }] } as SNSEvent;
  await createSlackHandler({ post: async (body) => void bodies.push(body) })(event, {} as Context);
  deepEqual(
    bodies.map((body) => JSON.parse(body).text),
    ["s1", "Tidemark"],
  );
  await rejects(
    createSlackHandler({ post: () => Promise.reject(new Error("Slack said 500")) })(event, {} as Context),
    /Slack said 500/,
  );
});
