// What the deployment promises, held against the template that CloudFormation would get with every switch on.
// Options are options.test.ts's, combinations of switches are switches.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { convertSettings, detectSettings, reportSettings, rollupSettings, slackSettings } from "../../functions/aws/config.ts";
import { readCatalogue } from "../../queries/catalogue.ts";
import {
  everything,
  flatten,
  HOW_TO_UPDATE,
  listOf,
  ofType,
  only,
  roleStatements,
  type Statement,
  synthesize,
  updatesSnapshots,
} from "./support.ts";

const full = synthesize(everything);
const statementsOf = (policyType: string): readonly (readonly Statement[])[] =>
  ofType(full, policyType).map(([, { Properties }]) => Properties.PolicyDocument.Statement);

/** Losing one of these loses data, or what others have written down elsewhere. */
const STATEFUL = [
  "AWS::S3::Bucket",
  "AWS::KMS::Key",
  "AWS::KinesisFirehose::DeliveryStream",
  "AWS::SQS::Queue",
  "AWS::SNS::Topic",
  "AWS::SecretsManager::Secret",
  "AWS::Glue::Database",
  "AWS::Athena::WorkGroup",
  "AWS::Logs::LogGroup",
];

test("cdk-nag and CloudFormation's validator find nothing that is not acknowledged with a reason", () => {
  deepEqual(full.findings, []);
});

test("buckets are encrypted with the key, private, kept, and their unfinished uploads end", () => {
  const buckets = ofType(full, "AWS::S3::Bucket");
  equal(buckets.length, 3);
  for (const [id, { Properties, DeletionPolicy, UpdateReplacePolicy }] of buckets) {
    const [rule] = Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    equal(rule.ServerSideEncryptionByDefault.SSEAlgorithm, "aws:kms", id);
    match(flatten(rule.ServerSideEncryptionByDefault.KMSMasterKeyID), /^<Encryption/, id);
    equal(rule.BucketKeyEnabled, true, id);
    deepEqual(Object.values(Properties.PublicAccessBlockConfiguration), [true, true, true, true], id);
    deepEqual([DeletionPolicy, UpdateReplacePolicy], ["Retain", "Retain"], id);
    ok(JSON.stringify(Properties.LifecycleConfiguration).includes("DaysAfterInitiation"), id);
  }
});

test("buckets, queues and topics refuse what comes without TLS", () => {
  for (const [policyType, count] of [
    ["AWS::S3::BucketPolicy", 3],
    ["AWS::SQS::QueuePolicy", 7],
    ["AWS::SNS::TopicPolicy", 3],
  ] as const) {
    const policies = statementsOf(policyType);
    equal(policies.length, count, policyType);
    for (const statements of policies) {
      ok(
        statements.some(
          ({ Effect, Condition }) =>
            Effect === "Deny" && JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
        ),
        policyType,
      );
    }
  }
  equal(ofType(full, "AWS::SQS::Queue").length, 7);
});

test("the raw bucket tells EventBridge itself: no function of CDK's own is deployed for it", () => {
  const told = ofType(full, "AWS::S3::Bucket").filter(
    ([, { Properties }]) => Properties.NotificationConfiguration !== undefined,
  );
  deepEqual(
    told.map(([id, { Properties }]) => [id.startsWith("BucketsRaw"), Properties.NotificationConfiguration]),
    [[true, { EventBridgeConfiguration: { EventBridgeEnabled: true } }]],
  );
  deepEqual(
    ofType(full, "AWS::Lambda::Function")
      .map(([, { Properties }]) => Properties.FunctionName)
      .sort(),
    ["tidemark-convert", "tidemark-detect", "tidemark-report", "tidemark-review", "tidemark-rollup", "tidemark-slack"],
  );
});

test("the key turns every year and outlives the stack", () => {
  const key = only(full, "AWS::KMS::Key");
  equal(key.Properties.EnableKeyRotation, true);
  equal(key.DeletionPolicy, "Retain");
});

test("lifecycle: what is old goes, by prefix; findings have no rule", () => {
  const rules = ofType(full, "AWS::S3::Bucket").flatMap(([, { Properties }]) =>
    Properties.LifecycleConfiguration.Rules.filter(({ Prefix }: { Prefix?: string }) => Prefix !== undefined).map(
      ({ Prefix, ExpirationInDays }: { Prefix: string; ExpirationInDays: number }) => `${Prefix} ${ExpirationInDays}`,
    ),
  );
  deepEqual(rules, [
    "raw/ 30",
    "errors/ 30",
    "lake/process/ 90",
    "lake/host/ 90",
    "lake/collector/ 90",
    "lake/detail/ 90",
    "lake/process_hour/ 800",
    "rejects/ 30",
    "reports/ 800",
    "staging/ 1",
    "athena/ 7",
  ]);
});

test("Firehose writes members as they come, below raw/ by hour of arrival, encrypted with the key", () => {
  const { Properties } = only(full, "AWS::KinesisFirehose::DeliveryStream");
  const destination = Properties.ExtendedS3DestinationConfiguration;
  equal(Properties.DeliveryStreamEncryptionConfigurationInput.KeyType, "CUSTOMER_MANAGED_CMK");
  equal(destination.CompressionFormat, "UNCOMPRESSED");
  equal(destination.FileExtension, ".ndjson.gz");
  equal(destination.Prefix, "raw/dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/");
  match(destination.ErrorOutputPrefix, /^errors\//);
  equal(destination.CustomTimeZone, "UTC");
});

test("a collector may put records into one stream, and nothing else", () => {
  const [policy] = statementsOf("AWS::IAM::ManagedPolicy");
  equal(policy?.length, 1);
  deepEqual(
    policy?.map(({ Action }) => Action),
    ["firehose:PutRecordBatch"],
  );
  match(flatten(policy?.[0]?.Resource), /^<ArrivalStream\w*\.Arn>$/);
});

test("EventBridge tells of raw objects only, and what it cannot hand over goes to the converter's dead letters", () => {
  const { Properties } = only(full, "AWS::Events::Rule");
  deepEqual(Properties.EventPattern.detail.object, { key: [{ prefix: "raw/" }] });
  deepEqual(Properties.EventPattern["detail-type"], ["Object Created"]);
  match(flatten(Properties.Targets[0].DeadLetterConfig.Arn), /^<ConversionDeadLetters/);
});

test("conversion: one damaged message fails alone, and none comes back while it is worked on", () => {
  const mapping = only(full, "AWS::Lambda::EventSourceMapping").Properties;
  deepEqual(mapping.FunctionResponseTypes, ["ReportBatchItemFailures"]);
  equal(mapping.BatchSize, 10);
  equal(mapping.ScalingConfig.MaximumConcurrency, 10);
  const queue = ofType(full, "AWS::SQS::Queue").find(([id]) => id.startsWith("ConversionQueue"))?.[1].Properties;
  const convert = ofType(full, "AWS::Lambda::Function").find(([id]) => id.startsWith("ConversionConvert"))?.[1].Properties;
  ok(queue.VisibilityTimeout >= 6 * convert.Timeout, `${queue.VisibilityTimeout} s, function ${convert.Timeout} s`);
  match(flatten(queue.RedrivePolicy.deadLetterTargetArn), /^<ConversionDeadLetters/);
});

test("queues are encrypted, and dead letters are kept for two weeks", () => {
  for (const [id, { Properties }] of ofType(full, "AWS::SQS::Queue")) {
    equal(Properties.SqsManagedSseEnabled, true, id);
    equal(Properties.MessageRetentionPeriod, 1_209_600, id);
  }
});

test("functions run on Graviton with Node 24, traced, with their own log group and a role of their own", () => {
  const roles = new Set<string>();
  for (const [id, { Properties }] of ofType(full, "AWS::Lambda::Function")) {
    deepEqual(
      [Properties.Architectures, Properties.Runtime, Properties.Handler],
      [["arm64"], "nodejs24.x", "index.handler"],
      id,
    );
    equal(Properties.TracingConfig.Mode, "Active", id);
    equal(Properties.Environment.Variables.POWERTOOLS_METRICS_NAMESPACE, "Tidemark", id);
    match(flatten(Properties.LoggingConfig.LogGroup), /Log/, id);
    roles.add(flatten(Properties.Role));
  }
  equal(roles.size, 6);
});

test("every setting that a function is given is one that it reads, and it is given every one that it reads", () => {
  const read: Readonly<Record<string, { readonly shape: object }>> = {
    "tidemark-convert": convertSettings,
    "tidemark-rollup": rollupSettings,
    "tidemark-detect": detectSettings,
    "tidemark-report": reportSettings,
    "tidemark-review": reportSettings,
    "tidemark-slack": slackSettings,
  };
  for (const [, { Properties }] of ofType(full, "AWS::Lambda::Function")) {
    const given = Object.keys(Properties.Environment.Variables).filter((name) => name.startsWith("TIDEMARK_"));
    deepEqual(given.sort(), Object.keys(read[Properties.FunctionName]?.shape ?? {}).sort(), Properties.FunctionName);
  }
});

test("schedules: hourly rollup, then detection, a weekly report; each with the planned time, a role and dead letters", () => {
  const schedules = ofType(full, "AWS::Scheduler::Schedule").map(([, { Properties }]) => Properties);
  deepEqual(
    schedules.map(({ Name, ScheduleExpression }) => `${Name} ${ScheduleExpression}`),
    [
      "rollup cron(10 * * * ? *)",
      "detect cron(20 * * * ? *)",
      "detect-acute cron(4/10 * * * ? *)",
      "report cron(0 6 ? * MON *)",
    ],
  );
  for (const { Name, Target, ScheduleExpressionTimezone } of schedules) {
    equal(ScheduleExpressionTimezone, "UTC", Name);
    const more = Name === "detect-acute" ? ',"detector":"acute"' : "";
    equal(Target.Input, `{"scheduled_at":"<aws.scheduler.scheduled-time>"${more}}`, Name);
    ok(Target.RetryPolicy.MaximumEventAgeInSeconds >= 60 && Target.RetryPolicy.MaximumRetryAttempts <= 185, Name);
    match(flatten(Target.DeadLetterConfig.Arn), /DeadLetters/, Name);
  }
  equal(new Set(schedules.map(({ Target }) => flatten(Target.RoleArn))).size, 3);
});

test("calls that nobody waits for end in dead letters when they fail for good", () => {
  const configured = ofType(full, "AWS::Lambda::EventInvokeConfig").map(([, { Properties }]) => Properties);
  equal(configured.length, 5);
  for (const { DestinationConfig } of configured) match(flatten(DestinationConfig.OnFailure.Destination), /DeadLetters/);
});

test("workgroup: settings are enforced, results encrypted, scans end at the cutoff, engine 3", () => {
  const { WorkGroupConfiguration: settings } = only(full, "AWS::Athena::WorkGroup").Properties;
  equal(settings.EnforceWorkGroupConfiguration, true);
  equal(settings.BytesScannedCutoffPerQuery, 200_000_000_000);
  equal(settings.EngineVersion.SelectedEngineVersion, "Athena engine version 3");
  equal(settings.ResultConfiguration.EncryptionConfiguration.EncryptionOption, "SSE_KMS");
});

test("every query of queries/ is there by name, text and parameters", () => {
  const deployed = ofType(full, "AWS::Athena::NamedQuery").map(([, { Properties }]) => Properties);
  const catalogue = readCatalogue();
  deepEqual(deployed.map(({ Name }) => Name).sort(), [...catalogue.keys()].sort());
  for (const { Name, QueryString, Description } of deployed) {
    equal(QueryString, catalogue.get(Name)?.sql);
    ok(String(QueryString).length <= 262_144 && Description.length <= 1_024, Name);
    for (const { name } of catalogue.get(Name)?.parameters ?? []) ok(Description.includes(name), `${Name}: ${name}`);
  }
});

test("topics are encrypted, and a team subscribes to its own service by filter policy", () => {
  for (const [id, { Properties }] of ofType(full, "AWS::SNS::Topic"))
    match(flatten(Properties.KmsMasterKeyId), /Encryption/, id);
  const mails = ofType(full, "AWS::SNS::Subscription").filter(([, { Properties }]) => Properties.Protocol === "email");
  deepEqual(
    mails.map(([, { Properties }]) => [
      flatten(Properties.TopicArn).replace(/^<Topics(\w+?)[0-9A-F]{8}>$/, "$1"),
      Properties.Endpoint,
      Properties.FilterPolicy ?? null,
    ]),
    [
      ["Alerts", "checkout@example.com", { service: ["checkout"], severity: ["act", "growing"] }],
      ["Alerts", "sre@example.com", null],
      ["Reports", "sre@example.com", null],
      ["Operations", "sre@example.com", null],
    ],
  );
});

test("Slack hears both topics; the channel of Amazon Q shows and may do nothing", () => {
  const lambdas = ofType(full, "AWS::SNS::Subscription").filter(([, { Properties }]) => Properties.Protocol === "lambda");
  equal(lambdas.length, 2);
  const channel = only(full, "AWS::Chatbot::SlackChannelConfiguration").Properties;
  deepEqual(channel.GuardrailPolicies.map(flatten), ["arn:<Partition>:iam::aws:policy/AWSDenyAll"]);
});

test("no action of any role is a wildcard; a resource is one only where AWS knows no other", () => {
  for (const [role, statements] of roleStatements(full)) {
    for (const { Sid, Action, Resource } of statements) {
      for (const action of listOf(Action)) ok(!String(action).includes("*"), `${role} ${Sid} ${action}`);
      for (const resource of listOf(Resource)) ok(resource !== "*" || Sid === "Traces", `${role} ${Sid}`);
    }
    // The quota of all inline policies of a role is 10,240 characters; names and account numbers need room in it.
    ok(statements.map((statement) => JSON.stringify(statement)).join().length < 8_000, role);
  }
});

test("no policy stands beside the roles' own statements", () => {
  equal(ofType(full, "AWS::IAM::Policy").length, 0);
  for (const [id, { Properties }] of ofType(full, "AWS::IAM::Role")) equal(Properties.ManagedPolicyArns, undefined, id);
});

test("what each role may do is what test/infra/roles.txt says", () => {
  const lines = roleStatements(full).flatMap(([role, statements]) => [
    role.replace(/[0-9A-F]{8}$/, ""),
    ...statements.flatMap(({ Sid, Action, Resource, Condition }) => [
      `  ${Sid}: ${listOf(Action).join(", ")}`,
      ...listOf(Resource).map((resource) => `    on ${flatten(resource).replace(/(<\w+?)[0-9A-F]{8}(\.\w+)?>/, "$1$2>")}`),
      ...(Condition === undefined
        ? []
        : [
            `    if ${Object.values(Condition as object).map((c) =>
              Object.entries(c)
                .map(([key, value]) => `${key} is ${flatten(value)}`)
                .join(),
            )}`,
          ]),
    ]),
  ]);
  compareWithFile("roles.txt", `${lines.join("\n")}\n`);
});

test("logical ids are those of the deploy before: what has state keeps its name, or its data would be left behind", () => {
  const path = join(import.meta.dirname, "logical-ids.json");
  // Named queries hold nothing, and come and go with the files of queries/.
  const ids = Object.fromEntries(
    Object.entries(full.resources)
      .filter(([, { Type }]) => Type !== "AWS::Athena::NamedQuery")
      .map(([id, { Type }]) => [id, Type])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  const before: Readonly<Record<string, string>> = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  for (const [id, type] of Object.entries(before)) {
    if (STATEFUL.includes(type)) equal(ids[id], type, `${id} (${type}) is gone or renamed: a deploy would begin a new one`);
  }
  compareWithFile("logical-ids.json", `${JSON.stringify(ids, null, 2)}\n`);
});

test("bundles hold code only, and the queries where they are asked", () => {
  for (const stage of ["convert", "rollup", "detect", "report", "review", "slack"]) {
    const folder = join(full.folder, "bundles", stage);
    match(readFileSync(join(folder, "index.mjs"), "utf8"), /export\s*\{[^}]*handler/, stage);
    equal(existsSync(join(folder, "process_causes.sql")), !["convert", "slack"].includes(stage), stage);
  }
});

test("the template names no account and no folder of the machine that made it", () => {
  ok(!full.templateText.includes(join(import.meta.dirname, "../..")), "names the checkout");
  ok(!full.templateText.includes(full.folder), "names the output folder");
  equal(/arn:aws:[a-z]+:[a-z0-9-]*:\d{12}:/.exec(full.templateText)?.[0] ?? null, null);
});

function compareWithFile(name: string, text: string): void {
  const path = join(import.meta.dirname, name);
  if (updatesSnapshots) writeFileSync(path, text);
  equal(text, readFileSync(path, "utf8"), `test/infra/${name} differs; ${HOW_TO_UPDATE}`);
}
