// Detection as a handler: what is filed, who is told, and what is not said twice.
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "aws-lambda";
import { detectionQueries } from "../../functions/ask/detection.ts";
import { acuteQueries } from "../../functions/core/acute-hits.ts";
import { windowBefore } from "../../functions/core/window.ts";
import { createDetectHandler, type LakeObservation } from "../../functions/detect.ts";
import type { Message, Notifier, QueryEngine, ResultRow } from "../../functions/edges.ts";
import { findingColumns } from "../../schema/made-columns.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";
import { queryWithDuckdb } from "./core/parquet/readers.ts";

const END_MS = Date.UTC(2026, 10, 23, 12);
const MIB = 1_024 * 1_024;

/** Rows as recent_findings gives them: every column is there. */
const filed = (values: ResultRow): ResultRow => ({
  ...Object.fromEntries(Object.keys(findingColumns).map((name) => [name, null])),
  ...values,
});

function engine(answers: Readonly<Record<string, readonly ResultRow[]>>) {
  const asked: { name: string; parameters: Readonly<Record<string, string | number>> }[] = [];
  const queries: QueryEngine = {
    async run(name, parameters) {
      asked.push({ name, parameters });
      return answers[name] ?? [];
    },
    unload: () => Promise.reject(new Error("nobody asked for that")),
  };
  return { queries, asked };
}

function mailbox() {
  const messages: Message[] = [];
  return { messages, notifier: { send: async (message: Message) => void messages.push(message) } };
}

const failure = (service: string, at = END_MS): ResultRow => ({
  host_id: "i-1",
  process_key: "b-1-1",
  service,
  environment: null,
  pid: 1,
  since: at - 60_000,
  failure_count: 3,
  rss_bytes_last: 41 * MIB,
  live_bytes_last: null,
  free_bytes_last: null,
  free_chunk_bytes_max_last: null,
  vma_count_last: null,
  vma_count_limit: null,
  cgroup_current_bytes_last: null,
  cgroup_limit_bytes_last: null,
});
const fresh = [{ newest_sample_age_seconds: 90, silent_host_count: 2 }];

interface Run {
  readonly answers?: Readonly<Record<string, readonly ResultRow[]>>;
  readonly lake?: MemoryStore;
  readonly thresholds?: Readonly<Record<string, number>>;
  readonly detector?: "trends" | "acute";
  readonly endMs?: number;
  readonly notifier?: Notifier;
}

async function run({ answers = {}, lake = memoryStore(), thresholds = {}, detector = "acute", endMs = END_MS, notifier }: Run) {
  const seen: LakeObservation[] = [];
  const mails = mailbox();
  const { queries, asked } = engine({ sample_freshness: fresh, ...answers });
  const handler = createDetectHandler({
    queries,
    lake,
    notifier: notifier ?? mails.notifier,
    thresholds,
    thresholdNames: new Set(["failure_count_min", "excess_bytes_min"]),
    observe: (observation) => void seen.push(observation),
  });
  const findings = await handler({ window: windowBefore(endMs, 86_400_000, 7), detector }, {} as Context);
  return { findings, lake, messages: mails.messages, asked, seen };
}

/** The rows of a file of findings, as the next run would be told of them. */
const filedIn = async (lake: MemoryStore, key: string) =>
  queryWithDuckdb(
    Buffer.from(lake.objects.get(key) ?? []),
    "SELECT service, cause, state, severity, scope, detector, muted FROM t ORDER BY service",
  );

const withSettings = (content: unknown): MemoryStore => {
  const lake = memoryStore();
  lake.objects.set("config/alerts.json", Buffer.from(typeof content === "string" ? content : JSON.stringify(content)));
  return lake;
};

test("a new finding is filed as a row with its state and told once", async () => {
  const { findings, lake, messages } = await run({ answers: { alloc_failures: [failure("checkout")] } });
  deepEqual(
    findings.map(({ service, state, announced_at }) => [service, state, announced_at]),
    [["checkout", "new", END_MS]],
  );
  deepEqual(
    messages.map(({ attributes }) => attributes),
    [{ kind: "alert", service: "checkout", severity: "act", cause: "alloc_failure" }],
  );
  match(messages[0]?.text ?? "", /3 allocations failed in pid 1; it has 41 MiB resident\./);
  match(messages[0]?.text ?? "", /docs\/runbook\.md, "Allocations fail"/);
  const key = `lake/finding/dt=2026-11-23/hr=12/acute-${END_MS}.parquet`;
  deepEqual([...lake.objects.keys()], [key]);
  deepEqual(await filedIn(lake, key), [
    {
      service: "checkout",
      cause: "alloc_failure",
      state: "new",
      severity: "act",
      scope: "service",
      detector: "acute",
      muted: null,
    },
  ]);
});

test("what was filed before decides what is told: the same again is not, its end is", async () => {
  const first = await run({ answers: { alloc_failures: [failure("checkout")] } });
  const known = first.findings.map((finding) => filed(finding as unknown as ResultRow));
  const again = await run({
    answers: { alloc_failures: [failure("checkout")], recent_findings: known },
    endMs: END_MS + 600_000,
  });
  deepEqual([again.messages.length, again.findings[0]?.state, again.lake.objects.size], [0, "ongoing", 1]);
  const over = await run({ answers: { recent_findings: known }, endMs: END_MS + 1_800_000 });
  deepEqual(
    over.messages.map(({ subject, attributes }) => [subject, attributes["kind"]]),
    [["Tidemark: resolved: checkout: Allocation failure", "resolved"]],
  );
  deepEqual(over.findings, [], "what is over is not open");
  equal(over.lake.objects.size, 1);
});

test("a run without recent rows ends nothing: when the pipeline stands still, findings do not", async () => {
  const first = await run({ answers: { alloc_failures: [failure("checkout")] } });
  const known = first.findings.map((finding) => filed(finding as unknown as ResultRow));
  for (const freshness of [[], [{ newest_sample_age_seconds: 1_500, silent_host_count: 0 }]]) {
    const answers = { recent_findings: known, sample_freshness: freshness };
    const { messages, lake } = await run({ answers, endMs: END_MS + 7_200_000 });
    deepEqual([messages.length, lake.objects.size], [0, 0]);
  }
});

test("trends ask the detection queries with the deployment's thresholds, over the window; minutes ask theirs over the last hour", async () => {
  const trends = await run({ detector: "trends", thresholds: { excess_bytes_min: 5 } });
  for (const name of detectionQueries) {
    const parameters = trends.asked.find((question) => question.name === name)?.parameters;
    deepEqual(
      [parameters?.["excess_bytes_min"], parameters?.["window_start"], parameters?.["window_end"], parameters?.["dt_first"]],
      [5, END_MS - 7 * 86_400_000, END_MS, "2026-11-16"],
      name,
    );
  }
  const acute = await run({ thresholds: { failure_count_min: 5 } });
  const startOf = (name: string) => acute.asked.find((question) => question.name === name)?.parameters["window_start"];
  deepEqual([startOf("low_memory"), startOf("hosts_silent")], [END_MS - 3_600_000, END_MS - 24 * 3_600_000]);
  equal(acute.asked.find(({ name }) => name === "alloc_failures")?.parameters["failure_count_min"], 5);
  for (const query of acuteQueries) equal(trends.asked.filter(({ name }) => name === query).length, 0, query);
});

test("trends are filed with every run, also when there are none: minutes only when there is something to file", async () => {
  deepEqual(
    [...(await run({ detector: "trends" })).lake.objects.keys()],
    [
      `lake/finding/dt=2026-11-23/hr=12/detect-${END_MS}.parquet`,
      `lake/saving/dt=2026-11-23/hr=00/ledger-${Date.UTC(2026, 10, 23)}.parquet`,
    ],
  );
  deepEqual([...(await run({ detector: "acute" })).lake.objects.keys()], []);
});

test("how fresh the lake is is observed with each run over trends, and unknown when the day has no samples", async () => {
  deepEqual((await run({ detector: "trends" })).seen, [
    { findingsOpen: 0, newestSampleAgeSeconds: 90, silentHosts: 2, alertConfigProblems: [] },
  ]);
  deepEqual((await run({ detector: "trends", answers: { sample_freshness: [] } })).seen, [
    { findingsOpen: 0, newestSampleAgeSeconds: null, silentHosts: null, alertConfigProblems: [] },
  ]);
  deepEqual((await run({ detector: "acute" })).seen, []);
});

test("what is muted is filed with the reason, and nobody is told", async () => {
  const lake = withSettings({ mutes: [{ service: "check*", until: "2026-12-01", reason: "TICKET-1" }] });
  const { messages, findings } = await run({ lake, answers: { alloc_failures: [failure("checkout")] } });
  deepEqual(messages, []);
  deepEqual(
    findings.map(({ muted, announced_at }) => [muted, announced_at ?? null]),
    [["muted until 2026-12-01 00:00 UTC: TICKET-1", null]],
  );
});

test("thresholds of a service count for it alone", async () => {
  const lake = withSettings({
    thresholds: { failure_count_min: 2 },
    services: [{ service: "batch-*", thresholds: { failure_count_min: 100 } }],
  });
  const { asked, findings } = await run({ lake, answers: { alloc_failures: [failure("checkout"), failure("batch-1")] } });
  const questions = asked.filter(({ name }) => name === "alloc_failures");
  deepEqual(
    questions.map(({ parameters }) => parameters["failure_count_min"]),
    [2, 100],
  );
  // The stand-in answers both questions alike: each service is taken from its own answer, and none twice.
  deepEqual(findings.map(({ service }) => service).sort(), ["batch-1", "checkout"]);
});

test("settings that cannot be used silence nobody, and that is told once, logged with each run, and filed", async () => {
  const lake = withSettings({ mutes: [{ service: "*", until: "2026-12-01" }] });
  const acute = await run({ lake, answers: { alloc_failures: [failure("checkout")] } });
  deepEqual(
    acute.messages.map(({ subject }) => subject),
    ["Tidemark: checkout: Allocation failure"],
  );
  const trends = await run({ lake, detector: "trends" });
  deepEqual(
    trends.messages.map(({ attributes }) => [attributes["cause"], attributes["severity"]]),
    [["config_invalid", "act"]],
  );
  match(trends.messages[0]?.text ?? "", /mutes\.0\.reason: /);
  equal(trends.seen[0]?.alertConfigProblems.length, 1);
  const known = trends.findings.map((finding) => filed(finding as unknown as ResultRow));
  const next = await run({ lake, detector: "trends", endMs: END_MS + 3_600_000, answers: { recent_findings: known } });
  deepEqual([next.messages.length, next.seen[0]?.alertConfigProblems.length], [0, 1]);
});

test("settings that cannot be read are as bad as bad ones: detection goes on", async () => {
  const lake = memoryStore((operation, key) => operation === "get" && key === "config/alerts.json");
  const { messages, seen } = await run({ lake, detector: "trends" });
  match(messages[0]?.text ?? "", /the file cannot be read: store is down/);
  equal(seen[0]?.alertConfigProblems.length, 1);
});

test("a peak of the settings is told a period after its end, in that run alone, with what each service kept", async () => {
  const peak = { name: "Black Friday", from: "2026-11-22T08:00:00Z", to: "2026-11-22T12:00:00Z" };
  const row = {
    service: "checkout",
    environment: null,
    found_by: "given",
    process_count_after: 2,
    rss_bytes_before: 100 * MIB,
    rss_bytes_peak: 500 * MIB,
    rss_bytes_after: 400 * MIB,
    rss_ratchet: 0.75,
    live_ratchet: 0.01,
    rss_ratchet_of_last_peak: 0.5,
    rss_bytes_after_since_last_peak: 300 * MIB,
  };
  const told = async (endMs: number) =>
    (await run({ lake: withSettings({ peaks: [peak] }), detector: "trends", endMs, answers: { peaks: [row] } })).messages;
  const [message, ...more] = await told(END_MS);
  equal(more.length, 0);
  match(message?.subject ?? "", /the peak Black Friday: 1 service kept memory/);
  match(message?.text ?? "", /checkout: RSS 100 MiB, 500 MiB, 400 MiB: 75 % of the rise stayed \(at the peak before 50 %\)/);
  deepEqual([(await told(END_MS - 3_600_000)).length, (await told(END_MS + 3_600_000)).length], [0, 0]);
});

test("when telling fails nothing is filed, so that the next run tells it", async () => {
  const lake = memoryStore();
  const notifier = { send: () => Promise.reject(new Error("SNS is down")) };
  await rejects(run({ lake, notifier, answers: { alloc_failures: [failure("checkout")] } }), /SNS is down/);
  equal(lake.objects.size, 0);
});
