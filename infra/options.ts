// What whoever deploys may decide: every option with its default, its limits and its meaning, checked before anything is built.
// Where the values come from is read-options.ts's; what is built from them is stack.ts's.
import { z } from "zod";
import { readCatalogue } from "../queries/catalogue.ts";
import { err, ok, type Result } from "../schema/result.ts";

const days = (usual: number) => z.int().min(1).max(3_650).default(usual);
/** CloudWatch Logs keeps logs for these many days and no others (PutRetentionPolicy). */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
];
const email = z.email();
const schedule = (usual: string) =>
  z
    .string()
    .regex(/^(cron|rate)\(.+\)$/, "a cron(...) or rate(...) expression of EventBridge Scheduler, in UTC")
    .default(usual);

/** Someone who wants some of the alerts. Both lists empty: all of them. */
const alertAudience = z.strictObject({
  email,
  /** Names of services, as OTEL_SERVICE_NAME says them. */
  services: z.array(z.string().min(1)).default([]),
  severities: z.array(z.enum(["act", "growing", "held", "notice"])).default([]),
});

export const optionsSchema = z.strictObject({
  /** Names the stream, the database (with _ for -), the workgroup, the functions: one for every Tidemark of an account and region. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,30}$/, "2 to 31 characters a-z, 0-9 and -, a letter first")
    .default("tidemark"),
  /** Whether CloudFormation refuses to delete the stack until this is switched off. */
  terminationProtection: z.boolean().default(true),

  /** What is there already and is to be used. Its policies, lifecycle and events stay its owner's: docs/deploy.md says what they need. */
  existing: z
    .strictObject({
      rawBucket: z.string().min(3).max(63).optional(),
      lakeBucket: z.string().min(3).max(63).optional(),
      resultsBucket: z.string().min(3).max(63).optional(),
      /** ARN of a symmetric KMS key, used in place of an own one; existing buckets must be encrypted with it or with S3's own key. */
      keyArn: z
        .string()
        .regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/.+$/, "the ARN of a KMS key, not of an alias")
        .optional(),
    })
    .prefault({}),

  /** How long things are kept, in days. */
  retentionDays: z
    .strictObject({
      /** Raw objects: for as long can the lake be made again from them. */
      raw: days(30),
      /** Rows by the minute: tables process, host and collector. */
      minutes: days(90),
      /** Rows by the hour: table process_hour. Findings are few and kept for ever. */
      hours: days(800),
      rejects: days(30),
      reports: days(800),
      queryResults: days(7),
      logs: z.literal(LOG_DAYS).default(30),
    })
    .prefault({}),

  /** Firehose writes an object when one of the two is reached. Larger objects are cheaper, smaller ones sooner in the lake. */
  ingest: z
    .strictObject({
      bufferSeconds: z.int().min(60).max(900).default(300),
      bufferMebibytes: z.int().min(1).max(128).default(16),
    })
    .prefault({}),
  /** Converters that may run at once; the queue holds what has to wait. */
  convertConcurrencyMax: z.int().min(2).max(1_000).default(10),

  schedules: z
    .strictObject({
      rollup: schedule("cron(10 * * * ? *)"),
      detect: schedule("cron(20 * * * ? *)"),
      /** What cannot wait for the hour: failed allocations, limits, hosts. */
      acute: schedule("cron(4/10 * * * ? *)"),
      report: schedule("cron(0 6 ? * MON *)"),
    })
    .prefault({}),

  detection: z
    .strictObject({
      /** A cycle of the traffic. */
      periodSeconds: z.int().min(60).default(86_400),
      /** Cycles that are compared. */
      periods: z.int().min(2).max(60).default(7),
      /** Parameters of the queries whose defaults do not fit, by name; `npm run sql` lists them. */
      thresholds: z.record(z.string(), z.number()).default({}),
    })
    .prefault({}),

  lake: z
    .strictObject({
      /** First date that queries look for: nothing older is seen. */
      firstDate: z.iso.date().default("2026-01-01"),
      /** A query that would read more is stopped. Athena's least is 10,000,000. */
      scanBytesMax: z.int().min(10_000_000).default(200_000_000_000),
    })
    .prefault({}),

  /** Who gets e-mail. Every address must confirm once. */
  audiences: z
    .strictObject({
      alerts: z.array(alertAudience).default([]),
      reports: z.array(email).default([]),
      /** Tidemark's own alarms. */
      operations: z.array(email).default([]),
    })
    .prefault({}),

  /** Alerts and reports to Slack through an incoming webhook. */
  slack: z
    .strictObject({
      enabled: z.boolean().default(false),
      /** Secret whose text is the webhook's URL. Without it one is made, to be filled in after the deploy. */
      webhookSecretArn: z
        .string()
        .regex(
          /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-\w{6}$/,
          "the full ARN of a secret, its six last characters included",
        )
        .optional(),
    })
    .prefault({}),
  /** Amazon Q Developer in chat applications: Tidemark's own alarms, and all that understand it, in a Slack channel. */
  chatbot: z
    .strictObject({
      workspaceId: z.string().regex(/^T[A-Z0-9]+$/, "a Slack workspace id, as T0123ABCD"),
      channelId: z.string().regex(/^[CG][A-Z0-9]+$/, "a Slack channel id, as C0123ABCD"),
    })
    .optional(),
  /** A Firehose endpoint inside a VPC, for collectors without a way to the internet. */
  collectorEndpoint: z
    .strictObject({
      vpcId: z.string().regex(/^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/, "a VPC id"),
      subnetIds: z.array(z.string().regex(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/, "a subnet id")).min(1),
      /** Who may connect, usually the VPC's own range. */
      clientCidrs: z.array(z.cidrv4()).min(1),
    })
    .optional(),

  /** Limits of the alarms on Tidemark itself. */
  alarms: z
    .strictObject({
      deliveryLagSecondsMax: z.int().min(60).default(1_800),
      queueAgeSecondsMax: z.int().min(60).default(1_800),
      sampleAgeSecondsMax: z.int().min(60).default(7_200),
      rejectedRowsPerHourMax: z.int().min(0).default(1_000),
      silentHostsMax: z.int().min(0).default(0),
      /** Read by all queries of a day; 200 GB are a dollar. */
      scannedBytesPerDayMax: z.int().min(10_000_000).default(1_000_000_000_000),
    })
    .prefault({}),
  /** Where docs/runbook.md can be read; the alarms and the alerts link to its headings. */
  runbookUrl: z.string().min(1).default("docs/runbook.md"),
});

export type OptionsInput = z.input<typeof optionsSchema>;
export type Options = z.output<typeof optionsSchema>;

/** The options with their defaults, or one line a problem: where, what is wrong, what was seen. */
export function parseOptions(input: unknown): Result<Options, readonly string[]> {
  const parsed = optionsSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) {
    return err(
      parsed.error.issues.map(({ path, message, input: seen }) => {
        const shown = seen === undefined ? "" : ` (it is ${JSON.stringify(seen)})`;
        return `${path.join(".") || "options"}: ${message}${shown}`;
      }),
    );
  }
  const problems = contradictions(parsed.data);
  return problems.length > 0 ? err(problems) : ok(parsed.data);
}

function contradictions({ detection, slack, retentionDays, ingest, alarms }: Options): readonly string[] {
  const problems: string[] = [];
  const known = new Set(
    [...readCatalogue().values()].flatMap(({ parameters }) =>
      parameters
        .filter(({ type, defaultText }) => defaultText !== null && (type === "bigint" || type === "double"))
        .map(({ name }) => name),
    ),
  );
  for (const name of Object.keys(detection.thresholds)) {
    if (!known.has(name))
      problems.push(`detection.thresholds.${name}: no query has this parameter; there are ${[...known].sort().join(", ")}`);
  }
  const windowDays = (detection.periodSeconds * detection.periods) / 86_400;
  if (windowDays > retentionDays.minutes) {
    problems.push(`detection: ${windowDays} days are compared, but retentionDays.minutes keeps ${retentionDays.minutes}`);
  }
  if (!slack.enabled && slack.webhookSecretArn !== undefined) {
    problems.push("slack.webhookSecretArn is given, but slack.enabled is false");
  }
  if (alarms.deliveryLagSecondsMax <= ingest.bufferSeconds) {
    problems.push(
      `alarms.deliveryLagSecondsMax is ${alarms.deliveryLagSecondsMax}: Firehose waits ingest.bufferSeconds, ${ingest.bufferSeconds}, on purpose`,
    );
  }
  return problems;
}
