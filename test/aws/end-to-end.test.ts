// The whole line on the loopback AWS: real workloads, the real collector, the bundled functions, SDK clients everywhere.
// Each stage's odd cases have tests of their own; here the line must hold although each delivery fails or repeats once.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SNSEvent } from "aws-lambda";
import { openLake } from "../../local/duckdb.ts";
import type { Finding } from "../../schema/columns.ts";
import { walkerPath, workloadPath } from "../support/native.ts";
import { type Deployment, deploy, names } from "./deployment.ts";
import { startEventSource } from "./event-source.ts";
import { latenciesMs, percentile } from "./latency.ts";
import { startWebhook } from "./webhook-stand-in.ts";

/** One cycle of the traffic stands for a day. */
const PERIOD_SECONDS = 10;
const PERIODS = 3;
const PERIOD_MS = PERIOD_SECONDS * 1_000;
const HOUR_MS = 3_600_000;
const MIB = 1_024 * 1_024;
const PEAK_MIB = "48";
/** Byte floors for workloads of 48 MiB, and valleys of some seconds; the defaults are for services and days of production. */
const thresholds = JSON.stringify({
  excess_bytes_min: 8 * MIB,
  free_bytes_min: 8 * MIB,
  kept_hours_min: PERIOD_SECONDS,
  valley_hours_min: 3,
});
const detectSettings = {
  TIDEMARK_PERIOD_SECONDS: String(PERIOD_SECONDS),
  TIDEMARK_PERIODS: String(PERIODS),
  TIDEMARK_THRESHOLDS: thresholds,
};

const collectorEntry = fileURLToPath(new URL("../../collector/main.ts", import.meta.url));

/** With the instance role's credentials, as on EC2: none in the environment. */
function startCollector({ aws }: Deployment): ChildProcess {
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...instanceEnvironment } = aws.environment;
  return spawn(process.execPath, [collectorEntry], {
    env: {
      PATH: process.env["PATH"],
      ...instanceEnvironment,
      OTEL_SERVICE_NAME: "tidemark-collector",
      TIDEMARK_FIREHOSE_STREAM: names.stream,
      TIDEMARK_WALKER: walkerPath(),
      TIDEMARK_TICK_MS: "500",
      TIDEMARK_ROW_MS: "1000",
      TIDEMARK_FLUSH_MS: "2000",
      TIDEMARK_RSS_BYTES_MIN: String(4 * MIB),
      // Time is compressed, cost is not: a heap must be walked in most seconds, as in most minutes of a day.
      TIDEMARK_WALK_COST_SHARE_MAX: "0.2",
      TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.5",
      TIDEMARK_ROLLUP_COST_SHARE_MAX: "0.05",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** Names of their own: other tests may run the same programs on this host. */
const serviceOf = (workload: string) => `e2e-${process.pid}-${workload}`;
const sick = serviceOf("fragmented");
const healthy = serviceOf("healthy");

const startWorkload = (name: string): ChildProcess =>
  spawn(workloadPath(name), [PEAK_MIB, String(PERIOD_SECONDS)], {
    env: { OTEL_SERVICE_NAME: serviceOf(name) },
    stdio: "ignore",
  });

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 300) throw new Error(`waited 30 s for ${what}`);
    await sleep(100);
  }
}

test("a fragmented program is named in Slack, a healthy one is not, and every row is in the lake exactly once", async (t) => {
  await using webhook = await startWebhook();
  await using deployment = await deploy({ webhookUrl: webhook.url });
  const { aws } = deployment;
  const [convert, rollup, detect, slack] = await Promise.all([
    deployment.lambda("convert"),
    deployment.lambda("rollup", detectSettings),
    deployment.lambda("detect", detectSettings),
    deployment.lambda("slack"),
  ]);
  const told: SNSEvent[] = [];
  aws.sns.subscribe({ topicArn: deployment.alertsArn, deliver: async (event) => void (await slack.invoke(event)) });
  const team = { service: [sick], severity: ["held"] };
  aws.sns.subscribe({ topicArn: deployment.alertsArn, filterPolicy: team, deliver: async (event) => void told.push(event) });
  const otherTeam = { service: [healthy] };
  const toldOther: SNSEvent[] = [];
  aws.sns.subscribe({
    topicArn: deployment.alertsArn,
    filterPolicy: otherTeam,
    deliver: async (event) => void toldOther.push(event),
  });
  const events = startEventSource(aws, names.queue, convert);

  // Each kind of trouble once: a refused record, a repeated object, a throttled call, a repeated message, a refused post.
  let refusals = 1;
  aws.firehose.refuse(() => refusals-- > 0);
  aws.firehose.repeatNext();
  aws.faults.inject({ service: "s3", operation: "PutObject", code: "SlowDown", status: 503, times: 1 });
  webhook.answerNext(500);

  const workloads = ["fragmented", "healthy"].map(startWorkload);
  const collector = startCollector(deployment);
  const collectorLog: string[] = [];
  collector.stderr?.setEncoding("utf8").on("data", (text: string) => collectorLog.push(text));
  const endMs = (Math.ceil((Date.now() + 2_000) / PERIOD_MS) + PERIODS) * PERIOD_MS;
  try {
    await sleep(endMs - Date.now());
    collector.kill("SIGTERM");
    const [code] = await once(collector, "exit");
    equal(code, 0, collectorLog.join(""));
  } finally {
    collector.kill("SIGKILL");
    for (const workload of workloads) workload.kill("SIGTERM");
  }
  aws.firehose.flush();
  const [firstKey = ""] = aws.s3.keys(names.raw);
  aws.sqs.send(names.queue, repeatedMessage(aws.sqs.bodies(names.queue)[0], firstKey));
  await until("conversion", () => aws.sqs.bodies(names.queue).length === 0);
  await events.stop();
  deepEqual(aws.sqs.bodies(names.deadLetters), []);

  // The scheduler of the next hour: the hour that has the rows is then the last whole one.
  const hours = await rollup.invoke({ scheduled_at: new Date(endMs + HOUR_MS).toISOString() });
  ok(Array.isArray(hours) && hours.length >= 1, JSON.stringify(hours));
  const findings = (await detect.invoke({ scheduled_at: new Date(endMs).toISOString() })) as readonly Finding[];
  deepEqual(
    findings.filter(({ service }) => service === sick || service === healthy).map(({ service, cause }) => [service, cause]),
    [[sick, "fragmentation"]],
  );
  await until("the post", () => webhook.accepted.some((body) => body.includes(sick)) && told.length > 0);

  const [post = ""] = webhook.accepted.filter((body) => body.includes(sick));
  match(post, /: Fragmentation, /);
  ok(!webhook.accepted.some((body) => body.includes(healthy)), "the healthy one is not mentioned");
  const attributes = told[0]?.Records[0]?.Sns.MessageAttributes;
  deepEqual(Object.fromEntries(Object.entries(attributes ?? {}).map(([name, { Value }]) => [name, Value])), {
    kind: "alert",
    service: sick,
    severity: "held",
    cause: "fragmentation",
  });
  equal(toldOther.length, 0, "a team whose service is well hears nothing");
  deepEqual(aws.sns.undelivered, []);

  const toldOfSick = () => aws.sns.published.filter(({ attributes }) => attributes["service"] === sick).length;
  await detect.invoke({ scheduled_at: new Date(endMs + PERIOD_MS).toISOString() });
  equal(toldOfSick(), 1, "what is still true is not told again");

  const lake = await openLake(aws.s3.folderOf(names.lake));
  const { rows } = await lake.query(
    `SELECT (SELECT count(*) FROM process_samples) AS seen,
            (SELECT count(*) FROM (SELECT DISTINCT host_id, boot_id, sequence FROM process)) AS sent,
            (SELECT count(*) FROM process) AS stored,
            (SELECT max(sequence) - min(sequence) + 1 FROM (
              SELECT sequence FROM process UNION SELECT sequence FROM host UNION SELECT sequence FROM collector UNION SELECT sequence FROM detail)) AS span,
            (SELECT count(*) FROM (
              SELECT sequence FROM process UNION SELECT sequence FROM host UNION SELECT sequence FROM collector UNION SELECT sequence FROM detail)) AS present`,
  );
  lake.close();
  const [seen, sent, stored, span, present] = (rows[0] ?? []).map(Number);
  ok((seen ?? 0) > 0);
  equal(seen, sent, "each row is seen once");
  ok((stored ?? 0) > (sent ?? 0), "although Firehose wrote an object twice");
  equal(present, span, "the sequence has no gap: nothing was lost");
  equal(aws.s3.keys(names.lake, "rejects/").length, 0);
  const converted = convert.metric("ConvertedRows").reduce((sum, count) => sum + count, 0);
  ok(converted >= (sent ?? 0), "the rows are counted");

  const latencies = await latenciesMs(aws.s3, names.lake);
  const figures = [50, 95].map((share) => `p${share} ${(percentile(latencies, share) / 1_000).toFixed(2)} s`).join(", ");
  t.diagnostic(`sample to lake: ${figures} over ${latencies.length} rows (flush every 2 s, Firehose buffer 0.5 s)`);
});

/** The first message again, whatever has become of it. */
const repeatedMessage = (waiting: string | undefined, key: string): string =>
  waiting ?? JSON.stringify({ detail: { bucket: { name: names.raw }, object: { key } } });
