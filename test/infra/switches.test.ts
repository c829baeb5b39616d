// The deployment with other options: each must synthesize without findings and change what it says it changes.
// The usual deployment is stack.test.ts's.
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { App } from "aws-cdk-lib";
import { CfnQueue } from "aws-cdk-lib/aws-sqs";
import { causeNames, causeText } from "../../functions/core/causes.ts";
import { lambdaEntries } from "../../infra/bundle.ts";
import { createApp } from "../../infra/create-app.ts";
import { readOptions } from "../../infra/read-options.ts";
import { checked, flatten, ofType, roleStatements, synthesize } from "./support.ts";

const runbook = readFileSync(join(import.meta.dirname, "../../docs/runbook.md"), "utf8");
const usual = synthesize({});

test("without any option: nothing to Slack, no chat channel, no endpoint, no subscription", () => {
  deepEqual(usual.findings, []);
  for (const type of [
    "AWS::SNS::Subscription",
    "AWS::SecretsManager::Secret",
    "AWS::Chatbot::SlackChannelConfiguration",
    "AWS::EC2::VPCEndpoint",
  ]) {
    equal(ofType(usual, type).length, 0, type);
  }
});

const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");

test("every alarm tells operations, says what to do, and links to a heading that the runbook has", () => {
  const titles = Array.from(runbook.matchAll(/^## (.+)$/gm), ([, title]) => String(title));
  const anchors = new Set(titles.map(anchorOf));
  const alarms = ofType(usual, "AWS::CloudWatch::Alarm").map(([, { Properties }]) => Properties);
  ok(alarms.length >= 20, `${alarms.length} alarms`);
  const linked = new Set<string>();
  for (const { AlarmName, AlarmDescription, AlarmActions, OKActions } of alarms) {
    const anchor = /What to do: docs\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription)?.[1] ?? "";
    ok(anchors.has(anchor), `${AlarmName}: docs/runbook.md has no heading #${anchor}`);
    ok(AlarmName.startsWith(`tidemark-${anchor}`), AlarmName);
    linked.add(anchor);
    for (const action of [...AlarmActions, ...OKActions]) match(flatten(action), /^<TopicsOperations/, AlarmName);
  }
  // Alerts about findings name their heading in their text.
  for (const heading of causeNames().flatMap((cause) => causeText(cause).runbook ?? [])) {
    ok(titles.includes(heading), `docs/runbook.md has no heading ${heading}`);
    linked.add(anchorOf(heading));
  }
  deepEqual(
    [...anchors].filter((anchor) => !linked.has(anchor)),
    [],
    "headings of the runbook without an alarm or an alert",
  );
});

test("the runbook says under every heading what it means, where to look and what to do", () => {
  for (const section of runbook.split(/^## /m).slice(1)) {
    for (const part of ["**Means.**", "**Look.**", "**Do.**"]) ok(section.includes(part), `${section.split("\n")[0]}: ${part}`);
  }
});

test("every dead-letter queue has an alarm on its depth", () => {
  const watched = ofType(usual, "AWS::CloudWatch::Alarm").filter(([, { Properties }]) =>
    /dead-letters/.test(Properties.AlarmName),
  );
  deepEqual(
    watched.map(([, { Properties }]) => Properties.AlarmName),
    [
      "tidemark-dead-letters-convert",
      "tidemark-dead-letters-rollup",
      "tidemark-dead-letters-detect",
      "tidemark-dead-letters-report",
      "tidemark-dead-letters-review",
    ],
  );
  equal(watched.length, ofType(usual, "AWS::SQS::Queue").length - 1);
});

test("what exists is used: no bucket, key or secret is made beside it, and roles name it", () => {
  const keyArn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555";
  const webhookSecretArn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:slack-webhook-AbCdEf";
  const given = synthesize({
    name: "memory-watch",
    terminationProtection: false,
    existing: { rawBucket: "their-raw", lakeBucket: "their-lake", resultsBucket: "their-results", keyArn },
    slack: { enabled: true, webhookSecretArn },
    detection: { thresholds: { excess_bytes_min: 1e8 } },
  });
  for (const type of ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret"])
    equal(ofType(given, type).length, 0, type);
  const resources = roleStatements(given).flatMap(([, statements]) =>
    statements.map(({ Resource }) => JSON.stringify(Resource)),
  );
  for (const name of ["their-raw", "their-lake", "their-results", keyArn, webhookSecretArn]) {
    ok(
      resources.some((resource) => resource.includes(name)),
      name,
    );
  }
  const functions = ofType(given, "AWS::Lambda::Function").map(([, { Properties }]) => Properties);
  ok(functions.every(({ FunctionName }) => FunctionName.startsWith("memory-watch-")));
  const detect = functions.find(({ FunctionName }) => FunctionName === "memory-watch-detect");
  equal(detect.Environment.Variables.TIDEMARK_THRESHOLDS, '{"excess_bytes_min":100000000}');
  equal(detect.Environment.Variables.TIDEMARK_DATABASE, "memory_watch");
});

test("a resource that breaks a rule ends the synthesis: cdk-nag's and CloudFormation's validators both look", (t) => {
  t.mock.method(console, "error", () => undefined);
  const folder = mkdtempSync(join(tmpdir(), "tidemark-synth-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { app, stack } = createApp({ outdir: folder, entries: lambdaEntries, readOptions: () => checked({}) });
  const queue = new CfnQueue(stack, "Careless", { visibilityTimeout: 30 });
  queue.addPropertyOverride("VisibilityTimeout", -1);
  throws(() => app.synth(), /Validation failed/);
  const { pluginReports } = JSON.parse(readFileSync(join(folder, "validation-report.json"), "utf8"));
  deepEqual(pluginReports.map(({ pluginName }: { pluginName: string }) => pluginName).sort(), [
    "AwsSolutions",
    "CloudFormation Validate",
  ]);
});

test("the same source and options give the same template, whatever the output folder is called", () => {
  equal(synthesize({}).templateText, usual.templateText);
});

test("options come from the context of cdk.json, or from a file; all problems are told at once", () => {
  const inContext = new App({ context: { tidemark: { name: "other", retentionDays: { raw: 7 } } } });
  const { name, retentionDays } = readOptions(inContext, undefined);
  deepEqual([name, retentionDays.raw, retentionDays.minutes], ["other", 7, 90]);
  throws(() => readOptions(inContext, "no-such-file.json"), /cannot read the options from no-such-file\.json/);
  const wrong = new App({ context: { tidemark: { name: "Ä", retention: 3 } } });
  throws(
    () => readOptions(wrong, undefined),
    /context\.tidemark of cdk\.json has 2 problem\(s\):\n {2}name: .*\n {2}options: .*retention/s,
  );
});
