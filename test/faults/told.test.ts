// From the lake to people at its worst: Athena, SNS and Slack fail in every way they have, functions die at any moment. Nobody is
// left untold, nobody is told twice but where delivery is at least once, and rollups leave every row in its place.
import { deepEqual, equal, ok } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SNSEvent } from "aws-lambda";
import { openLake } from "../../local/duckdb.ts";
import { LAKE_PREFIX, STAGING_PREFIX } from "../../schema/keys.ts";
import { type Deployment, deploy, names } from "../aws/deployment.ts";
import { internalError, slowDown } from "../aws/faults.ts";
import { startWebhook, type WebhookStandIn } from "../aws/webhook-stand-in.ts";
import { lakeFolder } from "../support/lake.ts";
import { processSample, samples } from "../support/samples.ts";
import { until } from "../support/service.ts";
import { END_MS, HOUR_MS, storyRows } from "../support/stories.ts";
import { seenRows } from "./evidence.ts";
import { judgeAlerts, type Told } from "./invariants.ts";
import { type Standing, standingLambda } from "./standing.ts";
import { momentsOf, pick, randomFor, report } from "./suite.ts";

/** Waits of the SDK and between questions to Athena pass so many times faster. */
const SPEED = "2";
const clock = fileURLToPath(new URL("clock.ts", import.meta.url));
const fast = { NODE_OPTIONS: `--import=${clock}`, TIDEMARK_FAULT_CLOCK_SPEED: SPEED };
/** The scheduler gives an invocation to Lambda, which tries it twice again; the hour after brings the next. */
const RUNS_MAX = 6;
/** SNS's own, of which the stand-in has three. */
const DELIVERIES_MAX = 3;
/** Of the stories, enough to have something to tell of. */
const SERVICES: ReadonlySet<string> = new Set(["fragmented", "retained", "leaking", "failing", "healthy"]);

let webhook: WebhookStandIn;
let deployment: Deployment;
let detect: Standing;
let rollup: Standing;
let slack: Standing;
/** How long a run takes on this machine when nothing is wrong: moments lie within it. */
let runMs: number;
let told: { received: Told[]; deadLettered: Told[]; failedDeliveries: number };

before(async () => {
  webhook = await startWebhook();
  deployment = await deploy({ webhookUrl: webhook.url });
  [detect, rollup, slack] = await Promise.all([
    standingLambda(deployment, "detect", fast),
    standingLambda(deployment, "rollup", fast),
    standingLambda(deployment, "slack", fast),
  ]);
  told = { received: [], deadLettered: [], failedDeliveries: 0 };
  const failures = new Map<string, number>();
  const deliver = async (event: SNSEvent): Promise<void> => {
    const [record] = event.Records;
    const id = record?.Sns.MessageId ?? "";
    const attributes = Object.entries(record?.Sns.MessageAttributes ?? {}).map(([name, { Value }]) => [name, Value]);
    const what = toldOf(Object.fromEntries(attributes));
    try {
      await slack.invoke(event);
      told.received.push(what);
    } catch (error) {
      told.failedDeliveries++;
      failures.set(id, (failures.get(id) ?? 0) + 1);
      if (failures.get(id) === DELIVERIES_MAX) told.deadLettered.push(what);
      throw error;
    }
  };
  deployment.aws.sns.subscribe({ topicArn: deployment.alertsArn, deliver });
  const process = storyRows.filter(({ service }) => SERVICES.has(service));
  const folder = await lakeFolder([{ samples: samples({ process }) }], END_MS, true);
  fill(folder);
  const startedMs = performance.now();
  await untilDone(detect, { scheduled_at: new Date(END_MS).toISOString() });
  runMs = performance.now() - startedMs;
  const { published } = deployment.aws.sns;
  await until("every delivery has ended", () => (told.received.length >= published.length ? true : null));
});
after(async () => {
  await deployment[Symbol.asyncDispose]();
  await webhook[Symbol.asyncDispose]();
});

const toldOf = ({ service, cause, kind }: Readonly<Record<string, string>>): Told => ({
  finding: `${service} ${cause}`,
  state: kind ?? "",
});

function fill(folder: string): void {
  for (const key of globSync(`${LAKE_PREFIX}**/*.parquet`, { cwd: folder })) {
    deployment.aws.s3.put(names.lake, key, readFileSync(join(folder, key)));
  }
}

function empty(prefix: string): void {
  for (const key of deployment.aws.s3.keys(names.lake, prefix)) deployment.aws.s3.remove(names.lake, key);
}

/** Invoked until it is done, as Lambda and the scheduler do; how often it failed. */
async function untilDone(lambda: Standing, event: object): Promise<number> {
  for (let failed = 0; ; failed++) {
    try {
      await lambda.invoke(event);
      return failed;
    } catch (error) {
      if (failed + 1 >= RUNS_MAX) throw error;
    }
  }
}

interface Trouble {
  readonly name: string;
  readonly moments: number;
  /** Called when a run begins; it waits for its moment by itself. */
  strike(random: () => number): Promise<void> | void;
  /** Answers of SNS that were lost: the SDK publishes again. */
  readonly lostAnswers?: number;
}

async function suffer(t: TestContext, { name, moments: usual, strike, lostAnswers = 0 }: Trouble): Promise<void> {
  const random = randomFor(name);
  const moments = momentsOf(usual);
  const sum = { checked: 0, lost: 0, doubled: 0, repeated: 0 };
  const problems: string[] = [];
  for (let moment = 0; moment < moments; moment++) {
    empty(`${LAKE_PREFIX}finding/`);
    const publishedBefore = deployment.aws.sns.published.length;
    Object.assign(told, { received: [], deadLettered: [], failedDeliveries: 0 });
    const running = untilDone(detect, { scheduled_at: new Date(END_MS).toISOString() });
    await strike(random);
    const failedRuns = await running;
    deployment.aws.faults.clear();
    const published = deployment.aws.sns.published.slice(publishedBefore).map(({ attributes }) => toldOf(attributes));
    await until("every delivery has ended", () =>
      told.received.length + told.deadLettered.length >= published.length ? true : null,
    );
    const filed = await filedAsTold();
    const verdict = judgeAlerts({ ...told, filed, published, failedTellings: failedRuns + lostAnswers });
    ok(verdict.checked > 1, `there was something to tell: ${verdict.checked}`);
    for (const key of ["checked", "repeated"] as const) sum[key] += verdict[key];
    for (const key of ["lost", "doubled"] as const) sum[key] += verdict[key].length;
    problems.push(...verdict.lost.map((what) => `lost: ${what}`), ...verdict.doubled.map((what) => `doubled: ${what}`));
  }
  report(t, {
    fault: name,
    moments,
    survived: problems.length === 0 ? moments : 0,
    unit: "alerts",
    rejected: 0,
    sentBack: 0,
    ...sum,
  });
  deepEqual(problems, []);
}

/** What the last run filed as told in that run. */
async function filedAsTold(): Promise<readonly Told[]> {
  const lake = await openLake(deployment.aws.s3.folderOf(names.lake));
  const { rows } = await lake.query("SELECT service, cause FROM findings WHERE announced_at = found_at");
  lake.close();
  return rows.map(([service, cause]) => ({ finding: `${service} ${cause}`, state: "alert" }));
}

const inTheMidst = (random: () => number): Promise<void> => sleep(random() * runMs);
const times = (random: () => number, most: number): number => 1 + Math.floor(random() * most);

const athena: Readonly<Record<string, (random: () => number) => void>> = {
  "queued for long": (random) => deployment.aws.athena.nextEnds({ queuesMs: random() * 2_000 }),
  failed: () => deployment.aws.athena.nextEnds({ failsWith: "INTERNAL_ERROR_QUERY_ENGINE: Query exhausted resources" }),
  cancelled: () => deployment.aws.athena.nextEnds("cancelled"),
  "over quota": (random) => {
    const code = "TooManyRequestsException";
    deployment.aws.faults.inject({ service: "athena", code, status: 400, times: times(random, 12) });
  },
  "never done: the invocation's time runs out": () => deployment.aws.athena.nextEnds("hangs"),
};
for (const [how, begin] of Object.entries(athena)) {
  test(`Athena: a query ${how}`, (t) =>
    suffer(t, {
      name: `Athena: ${how}`,
      moments: how.startsWith("never") ? 1 : 6,
      async strike(random) {
        await inTheMidst(random);
        begin(random);
      },
    }));
}

test("SNS is down", (t) =>
  suffer(t, {
    name: "SNS: down",
    moments: 8,
    strike(random) {
      const skips = Math.floor(random() * 8);
      deployment.aws.faults.inject({ service: "sns", ...internalError, skips, times: times(random, 12) });
    },
  }));

test("SNS takes a message, and its answer is lost", (t) =>
  suffer(t, {
    name: "SNS: the answer is lost",
    moments: 8,
    lostAnswers: 1,
    strike(random) {
      const skips = Math.floor(random() * 8);
      deployment.aws.faults.inject({ service: "sns", how: "lost_answer", skips, times: 1 });
    },
  }));

test("Slack is down", (t) =>
  suffer(t, {
    name: "Slack: down",
    moments: 8,
    strike(random) {
      webhook.answerNext(...Array.from({ length: times(random, 8) }, () => pick(random, [429, 500, 503])));
    },
  }));

test("findings cannot be filed", (t) =>
  suffer(t, {
    name: "S3: findings cannot be filed",
    moments: 6,
    strike(random) {
      deployment.aws.faults.inject({ service: "s3", operation: "PutObject", ...slowDown, times: times(random, 12) });
    },
  }));

test("kill -9 of detection, and of the function that posts to Slack", (t) =>
  suffer(t, {
    name: "detect and slack functions: kill -9",
    moments: 10,
    async strike(random) {
      await inTheMidst(random);
      pick(random, [detect, slack]).kill();
    },
  }));

const HOUR_START_MS = END_MS - 2 * HOUR_MS;
const FILES = 12;
const PROCESSES = 25;

/** An hour that is settled when the scheduler comes, in as many small files as its compaction needs, each of one minute. */
const hourFolder = (): Promise<string> =>
  lakeFolder(
    Array.from({ length: FILES }, (_, minute) => ({
      samples: samples({
        process: Array.from({ length: PROCESSES }, (_, pid) =>
          processSample({
            pid,
            process_key: `11111111-${pid}-5`,
            sequence: minute * PROCESSES + pid,
            sampled_at: HOUR_START_MS + minute * 60_000,
            rss_bytes: 1_000_000 + pid,
          }),
        ),
      }),
    })),
    END_MS,
  );

test("rollup and compaction are killed, refused or failed at any moment: each row and each hour stays there once", async (t) => {
  const name = "rollup and compaction: kill -9, S3 and Athena failing";
  const random = randomFor(name);
  const moments = momentsOf(20);
  const folder = await hourFolder();
  const { aws } = deployment;
  let [lost, doubled, checked, repeated] = [0, 0, 0, 0];
  for (let moment = 0; moment < moments; moment++) {
    empty(LAKE_PREFIX);
    empty(STAGING_PREFIX);
    fill(folder);
    const running = untilDone(rollup, { scheduled_at: new Date(END_MS).toISOString() });
    const [skips, count] = [Math.floor(random() * 30), times(random, 6)];
    const strikes = [
      async () => {
        await sleep(random() * 800);
        rollup.kill();
      },
      async () => aws.faults.inject({ service: "s3", ...slowDown, skips, times: count }),
      async () => aws.faults.inject({ service: "s3", operation: "CopyObject", how: "half_request", times: count }),
      async () => aws.faults.inject({ service: "s3", operation: "DeleteObject", ...internalError, skips, times: count }),
      async () =>
        aws.faults.inject({
          service: "s3",
          operation: "DeleteObject",
          skips,
          times: 1,
          how: "lost_answer",
          meanwhile: rollup.kill,
        }),
      async () => {
        await sleep(random() * 400);
        aws.athena.nextEnds({ failsWith: "INTERNAL_ERROR_QUERY_ENGINE" });
      },
    ];
    await pick(random, strikes)();
    await running;
    aws.faults.clear();
    const { seen, storedCount } = await seenRows(aws.s3.folderOf(names.lake));
    checked += FILES * PROCESSES;
    lost += FILES * PROCESSES - seen.size;
    doubled += [...seen.values()].filter((count) => count > 1).length;
    repeated += storedCount - seen.size;
    const lake = await openLake(aws.s3.folderOf(names.lake));
    const hours = await lake.query("SELECT count(*), count(DISTINCT process_key) FROM process_hours");
    lake.close();
    deepEqual(hours.rows, [[PROCESSES, PROCESSES]]);
  }
  report(t, {
    fault: name,
    moments,
    survived: moments,
    unit: "rows",
    checked,
    lost,
    doubled,
    rejected: 0,
    repeated,
    sentBack: 0,
  });
  equal(lost, 0);
  equal(doubled, 0);
});
