// Secrets are in no log: the webhook's address, keys of AWS and session tokens, in everything that functions and collector say,
// on good days and on bad ones. What leaves a host is local-user.test.ts's.
import { equal, ok } from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rawKey } from "../../schema/keys.ts";
import { deploy, names } from "../aws/deployment.ts";
import { startWebhook } from "../aws/webhook-stand-in.ts";
import { emptyFolder, startCollector } from "../support/collector-child.ts";

const ACCESS_KEY = "AKIAPLANTEDPLANTED00";
const SECRET_KEY = "planted+secret/key0123456789012345678901";
const TOKEN = "planted-session-token-0123456789";

const snsEvent = (subject: string, message: string) => ({
  Records: [
    {
      EventSource: "aws:sns",
      EventVersion: "1.0",
      EventSubscriptionArn: "arn:aws:sns:eu-west-1:123456789012:t:1",
      Sns: {
        MessageId: `id-${subject}`,
        Subject: subject,
        Message: message,
        MessageAttributes: {},
        Timestamp: new Date(0).toISOString(),
      },
    },
  ],
});

const sqsEvent = (body: string) => ({
  Records: [{ messageId: "1", body, attributes: { SentTimestamp: String(Date.now()) }, messageAttributes: {} }],
});

/** Everything of a secret that could be used: whole, its last part, and as URLs and JSON write it. */
function assertNone(lines: readonly string[], secrets: readonly string[], whose: string): void {
  const text = lines.join("\n");
  for (const secret of secrets) {
    for (const form of [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString("base64"),
    ]) {
      ok(!text.includes(form), `${whose} says ${form}`);
    }
  }
}

test("no log of a function has the webhook's address or a key, whatever goes wrong", { timeout: 300_000 }, async () => {
  await using webhook = await startWebhook();
  await using deployment = await deploy({ webhookUrl: webhook.url });
  const keys = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY, AWS_SESSION_TOKEN: TOKEN };
  const secrets = [new URL(webhook.url).pathname, SECRET_KEY, TOKEN];
  const settled = async (invoked: Promise<unknown>) =>
    invoked.then(
      () => "done",
      (error: Error) => error.message,
    );

  const slack = await deployment.lambda("slack", keys);
  const said: string[] = [await settled(slack.invoke(snsEvent("good", "a message")))];
  equal(webhook.accepted.length, 1);
  for (const [at, status] of [404, 403, 410].entries()) {
    webhook.answerNext(status, status);
    said.push(await settled(slack.invoke(snsEvent(`bad ${at}`, "a message"))));
  }
  webhook.answerNext("cut off", 404);
  said.push(await settled(slack.invoke(snsEvent("cut off", "a message"))));
  ok(said.filter((outcome) => outcome !== "done").length >= 3, said.join("\n"));
  assertNone([...slack.output, ...said], secrets, "the Slack function");
  ok(slack.output.length > 0, "it logs");

  const convert = await deployment.lambda("convert", keys);
  const { aws } = deployment;
  const key = rawKey(Date.now(), "secrets");
  aws.s3.createBucket("elsewhere");
  aws.faults.inject({ service: "s3", operation: "PutObject", code: "AccessDenied", status: 403, times: 1 });
  const outcomes = [
    await settled(convert.invoke(sqsEvent("not json"))),
    await settled(convert.invoke(sqsEvent(JSON.stringify({ detail: { bucket: { name: "elsewhere" }, object: { key } } })))),
    await settled(convert.invoke(sqsEvent(JSON.stringify({ detail: { bucket: { name: names.raw }, object: { key } } })))),
  ];
  assertNone([...convert.output, ...outcomes], secrets, "the converter");
  ok(convert.output.length > 0, "it logs");
});

test("the collector's log, spool and settings have no key of AWS, while its endpoint refuses it", {
  timeout: 120_000,
}, async () => {
  const spool = emptyFolder();
  const collector = startCollector({
    TIDEMARK_FIREHOSE_STREAM: "refusing",
    TIDEMARK_SPOOL_FOLDER: `${spool}/spool`,
    TIDEMARK_BLACK_BOX_FOLDER: `${spool}/box`,
    TIDEMARK_TICK_MS: "200",
    TIDEMARK_ROW_MS: "400",
    TIDEMARK_FLUSH_MS: "600",
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_SESSION_TOKEN: TOKEN,
    // Nobody listens on discard's port here.
    AWS_ENDPOINT_URL_FIREHOSE: "http://127.0.0.1:9",
  });
  await collector.says(/ECONNREFUSED|trouble|cannot|fail/);
  await collector.stop();
  const files = globSync("**/*", { cwd: spool }).map((name) => join(spool, name));
  const kept = files.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, "latin1"));
  ok(kept.length > 0, "something waits in the spool");
  assertNone([collector.log(), ...kept], [SECRET_KEY, TOKEN, ACCESS_KEY], "the collector");
});
