// The functions as they are deployed: bundled by infra, loaded with the deployment's environment and nothing else.
// What convert, rollup, detect and slack do together is test/aws/end-to-end.test.ts's.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import type { SNSEvent } from "aws-lambda";
import { encodeRecords } from "../../../collector/ship/outbox.ts";
import { stageNames } from "../../../infra/bundle.ts";
import type { HostIdentity, Samples } from "../../../schema/columns.ts";
import { rawKey } from "../../../schema/keys.ts";
import { type Deployment, deploy, names } from "../../aws/deployment.ts";
import { objectCreated } from "../../aws/event-source.ts";
import { denied } from "../../aws/faults.ts";
import { startWebhook } from "../../aws/webhook-stand-in.ts";
import { collectorSample, hostIdentity, processSample, samples } from "../../support/samples.ts";

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 10, 23, 12);
const SCHEDULED = { scheduled_at: "2026-11-23T13:10:00Z" };

/** A raw object with rows of the hour before noon; returns its key. */
function putRaw(deployment: Deployment, name: string, sequences: readonly number[]): string {
  const process = sequences.map((sequence) =>
    processSample({ sequence, sampled_at: NOON_MS + sequence, rss_bytes: 1_000 + sequence, live_bytes: 500, free_bytes: 400 }),
  );
  return putSamples(deployment, name, hostIdentity, samples({ process }));
}

/** A sign of life of a host. */
function putCollectorRow(deployment: Deployment, host_id: string, sampled_at: number): void {
  putSamples(deployment, host_id, { ...hostIdentity, host_id }, samples({ collector: [collectorSample({ sampled_at })] }));
}

function putSamples({ aws }: Deployment, name: string, host: HostIdentity, some: Samples): string {
  const key = rawKey(NOON_MS, name);
  aws.s3.put(names.raw, key, Buffer.concat(encodeRecords(host, some).map(({ bytes }) => bytes)));
  return key;
}

async function convertAll(deployment: Deployment): Promise<void> {
  const convert = await deployment.lambda("convert");
  const event = { Records: deployment.aws.s3.keys(names.raw).map((key) => created(key, key)) };
  deepEqual(await convert.invoke(event), { batchItemFailures: [] });
  await convert.stop();
}

const record = (messageId: string, body: string) => ({ messageId, body, attributes: { SentTimestamp: String(NOON_MS) } });
const created = (messageId: string, key: string) =>
  record(messageId, JSON.stringify(objectCreated(names.raw, key, 100, "etag")));

test("every function loads with the environment that the deployment gives it", async (t) => {
  await using deployment = await deploy();
  for (const stage of stageNames) {
    const lambda = await deployment.lambda(stage);
    t.diagnostic(`${stage}: ${lambda.importMs.toFixed(0)} ms to import`);
    // Twenty times what it takes on an idle machine of two cores: a bundle that grew by a mistake, not a busy machine.
    ok(lambda.importMs < 5_000, `${stage} took ${lambda.importMs} ms`);
    await lambda.stop();
  }
});

test("a function without its settings does not start, and names all of them", async () => {
  await using deployment = await deploy();
  await rejects(
    deployment.lambda("report", { TIDEMARK_WORKGROUP: "", TIDEMARK_REPORTS_TOPIC_ARN: "alerts" }),
    /TIDEMARK_WORKGROUP is (?:.|\n)*TIDEMARK_REPORTS_TOPIC_ARN is alerts: expected the ARN of an SNS topic/,
  );
});

test("a threshold that no query has is refused at the start, with the names that there are", async () => {
  await using deployment = await deploy();
  await rejects(
    deployment.lambda("detect", { TIDEMARK_THRESHOLDS: '{"excess_byte_min":1}' }),
    /TIDEMARK_THRESHOLDS names excess_byte_min; the queries know .*excess_bytes_min/,
  );
});

test("convert: of a batch only the message that cannot be written comes back; metrics and logs are written", async () => {
  await using deployment = await deploy();
  const convert = await deployment.lambda("convert");
  const [first, second] = [putRaw(deployment, "first", [1, 2, 3]), putRaw(deployment, "second", [4])];
  // Denied is not tried again: the first message's put fails, the second one's goes through.
  deployment.aws.faults.inject({ service: "s3", operation: "PutObject", ...denied, times: 1 });
  const event = {
    Records: [created("m1", first), created("m2", second), created("m3", "raw/dt=2026-11-23/hr=12/gone"), record("m4", "?")],
  };
  deepEqual(await convert.invoke(event), { batchItemFailures: [{ itemIdentifier: "m1" }] });
  deepEqual(await convert.invoke({ Records: [created("m1", first)] }), { batchItemFailures: [] });
  deepEqual(convert.metric("ConvertedRows"), [1, 3]);
  deepEqual(convert.metric("ConvertedObjects"), [1, 1]);
  deepEqual(convert.metric("RejectedRows"), [0, 1, 1, 0]);
  equal(deployment.aws.s3.keys(names.lake, "lake/process/dt=2026-11-23/hr=12/").length, 2);
  equal(deployment.aws.s3.keys(names.lake, "rejects/").length, 2);
  const line = convert.output.find((text) => text.includes("message goes back to the queue")) ?? "{}";
  const { level, service, function_request_id, messageId } = JSON.parse(line) as Record<string, string>;
  deepEqual([level, service, function_request_id, messageId], ["ERROR", "tidemark-convert", "request-0", "m1"]);
  match(line, /AccessDenied/);
});

test("rollup: the hour's rows become one row a process; running it again replaces the files; bytes scanned are counted", async () => {
  await using deployment = await deploy();
  putRaw(deployment, "rows", [1, 2, 3, 4]);
  await convertAll(deployment);
  const rollup = await deployment.lambda("rollup");
  const keys = ["lake/process_hour/dt=2026-11-23/hr=12/part-00000.parquet"];
  deepEqual(await rollup.invoke(SCHEDULED), keys);
  deepEqual(await rollup.invoke(SCHEDULED), keys);
  deepEqual(deployment.aws.s3.keys(names.lake, "lake/process_hour/"), keys);
  deepEqual(deployment.aws.s3.keys(names.lake, "staging/"), []);
  ok((rollup.metric("QueryScannedBytes")[0] ?? 0) > 0);
  ok(rollup.output.some((line) => line.includes('"query":"rollup_process_hours"')));
});

test("detect: nothing to tell is said to nobody, and a failed query is counted and fails the run", async () => {
  await using deployment = await deploy();
  const detect = await deployment.lambda("detect");
  deepEqual(await detect.invoke(SCHEDULED), []);
  deepEqual(detect.metric("FindingsOpen"), [0]);
  deepEqual(await detect.invoke({ ...SCHEDULED, detector: "acute" }), []);
  deepEqual(detect.metric("FindingsOpen"), [0], "minutes say nothing of how many trends are open");
  deepEqual(deployment.aws.sns.published, []);
  deployment.aws.athena.fail("process_causes", "Query exhausted resources at this scale factor");
  await rejects(detect.invoke(SCHEDULED), /query process_causes FAILED: Query exhausted resources/);
  equal(detect.metric("QueryFailures").filter((count) => count === 1).length, 1);
  await rejects(detect.invoke({}), /scheduled_at/);
});

test("detect: every run measures how old the newest sample is and how many hosts are silent; without samples it claims nothing", async () => {
  await using deployment = await deploy();
  const detect = await deployment.lambda("detect");
  await detect.invoke(SCHEDULED);
  deepEqual([detect.metric("NewestSampleAgeSeconds"), detect.metric("SilentHosts")], [[], []]);
  putCollectorRow(deployment, "talks", NOON_MS + HOUR_MS - 600_000);
  putCollectorRow(deployment, "silent", NOON_MS - 3 * HOUR_MS);
  await convertAll(deployment);
  await detect.invoke(SCHEDULED);
  deepEqual([detect.metric("NewestSampleAgeSeconds"), detect.metric("SilentHosts")], [[600], [1]]);
});

test("report and review: the page is in the lake's bucket and its key goes to the reports topic", async () => {
  await using deployment = await deploy();
  const { aws } = deployment;
  putRaw(deployment, "rows", [1, 2, 3, 4]);
  await convertAll(deployment);
  const rollup = await deployment.lambda("rollup");
  await rollup.invoke({ scheduled_at: "2026-11-23T13:10:00Z" });
  const report = await deployment.lambda("report");
  equal(await report.invoke({ scheduled_at: "2026-11-23T14:00:00Z" }), "reports/weekly-report-2026-11-23T1400.html");
  const [, link = ""] = /The page: (http\S+)/.exec(aws.sns.published[0]?.message ?? "") ?? [];
  const page = await (await fetch(link)).text();
  match(page, /4 processes|1 process</, "the link in the mail opens the page, without credentials");
  match(page, /id="q-weekly_fleet"/);
  const review = await deployment.lambda("review");
  const event = { from: new Date(NOON_MS).toISOString(), to: new Date(NOON_MS + HOUR_MS).toISOString() };
  equal(await review.invoke(event), "reports/peak-review-2026-11-23T1200-2026-11-23T1300.html");
  for (const key of aws.s3.keys(names.lake, "reports/")) match(aws.s3.get(names.lake, key)?.toString() ?? "", /<svg/);
  deepEqual(
    aws.sns.published.map(({ topicArn, attributes }) => [topicArn, attributes["kind"]]),
    [
      [deployment.reportsArn, "report"],
      [deployment.reportsArn, "review"],
    ],
  );
});

test("slack: a refused post fails the invocation, so that SNS delivers again; the webhook's URL is in no line or trace", async () => {
  await using webhook = await startWebhook();
  await using deployment = await deploy({ webhookUrl: webhook.url });
  await using daemon = createSocket("udp4").bind(0, "127.0.0.1");
  await once(daemon, "listening");
  const traces: string[] = [];
  daemon.on("message", (trace) => traces.push(trace.toString()));
  const slack = await deployment.lambda("slack", { AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}` });
  const event = { Records: [{ Sns: { MessageId: "m-0001", Subject: "Tidemark: checkout", Message: "it leaks" } }] } as SNSEvent;
  webhook.answerNext(410);
  await rejects(slack.invoke(event), /Slack answered 410 "channel_is_archived"/);
  await slack.invoke(event);
  equal(webhook.accepted.length, 1);
  await slack.stop();
  const told = [...slack.output, ...traces].join("\n");
  match(traces.join("\n"), /GetSecretValue|Secrets ?Manager/i, "calls of the SDK are traced");
  ok(!told.includes(new URL(webhook.url).pathname), "the secret stays one");
});
