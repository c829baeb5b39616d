// Options: their defaults, and what is said about wrong ones before anything is built.
// What they change in the deployment is switches.test.ts's.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "../../infra/options.ts";

const problemsOf = (input: unknown): readonly string[] => {
  const options = parseOptions(input);
  return options.ok ? [] : options.error;
};

test("no options at all are options", () => {
  const options = parseOptions({});
  ok(options.ok);
  equal(options.value.name, "tidemark");
  equal(options.value.slack.enabled, false);
});

for (const [what, input, problem] of [
  ["a misspelt option", { retentionDay: {} }, /^options: .*retentionDay/],
  ["a name that AWS would refuse", { name: "Tidemark!" }, /^name: 2 to 31 characters .*\(it is "Tidemark!"\)/],
  ["no days", { retentionDays: { raw: 0 } }, /^retentionDays\.raw: .*\(it is 0\)/],
  ["days that CloudWatch Logs does not know", { retentionDays: { logs: 31 } }, /^retentionDays\.logs: .*\(it is 31\)/],
  ["a cutoff below Athena's least", { lake: { scanBytesMax: 1_000 } }, /^lake\.scanBytesMax: .*10000000.*\(it is 1000\)/],
  ["what is no schedule", { schedules: { detect: "hourly" } }, /^schedules\.detect: a cron\(\.\.\.\) or rate/],
  ["an address that is none", { audiences: { reports: ["sre"] } }, /^audiences\.reports\.0: .*\(it is "sre"\)/],
  [
    "a severity that no alert has",
    { audiences: { alerts: [{ email: "a@example.com", severities: ["high"] }] } },
    /severities\.0: .*act/,
  ],
  [
    "an alias in place of a key",
    { existing: { keyArn: "alias/mine" } },
    /^existing\.keyArn: the ARN of a KMS key, not of an alias/,
  ],
  ["a VPC that is none", { collectorEndpoint: { vpcId: "default", subnetIds: [], clientCidrs: ["10/8"] } }, /vpcId: a VPC id/],
  [
    "a threshold that no query has",
    { detection: { thresholds: { excess_byte_min: 1 } } },
    /excess_byte_min: no query has this parameter; .*excess_bytes_min/,
  ],
  [
    "more days compared than kept",
    { detection: { periods: 10 }, retentionDays: { minutes: 7 } },
    /10 days are compared, but retentionDays\.minutes keeps 7/,
  ],
  [
    "a webhook without Slack",
    { slack: { webhookSecretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf" } },
    /slack\.enabled is false/,
  ],
  [
    "an alarm on what is waited for",
    { ingest: { bufferSeconds: 900 }, alarms: { deliveryLagSecondsMax: 900 } },
    /Firehose waits ingest\.bufferSeconds, 900/,
  ],
] as const) {
  test(`${what} is refused with its place and the value seen`, () => {
    const problems = problemsOf(input);
    ok(
      problems.some((line) => problem.test(line)),
      problems.join("\n") || "no problem was found",
    );
  });
}

test("all problems are told at once", () => {
  deepEqual(problemsOf({ name: "", retentionDays: { raw: 0, rejects: 0 } }).length, 3);
});
