// Messages of the topics into Slack, against a webhook that refuses what Slack refuses: what arrives, waits, goes plainly, or is given up.
// What the messages say is core/messages.test.ts's.
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Context, SNSEvent } from "aws-lambda";
import { secretWebhook } from "../../functions/aws/webhook.ts";
import { nextStep } from "../../functions/core/slack/delivery.ts";
import { createSlackHandler } from "../../functions/slack.ts";
import { clientFor } from "../aws/clients.ts";
import { startAws } from "../aws/endpoint.ts";
import { startWebhook } from "../aws/webhook-stand-in.ts";

const context = {} as Context;
const record = (MessageId: string, Subject: string | undefined, Message: string) => ({
  Sns: { MessageId, ...(Subject !== undefined && { Subject }), Message },
});
const eventOf = (...records: readonly object[]) => ({ Records: records }) as unknown as SNSEvent;
const one = eventOf(record("id-0000", "checkout: Leak", '{"text":"words","blocks":[{"type":"divider"}]}'));
const brokenBlocks = eventOf(record("id-0000", "checkout <!here>: Leak", '{"text":"words","blocks":[{"type":"carousel"}]}'));

async function slackFunction({ remainingMs = 60_000 } = {}) {
  const aws = await startAws();
  const slack = await startWebhook();
  const webhook = secretWebhook({
    client: new SecretsManagerClient(clientFor(aws)),
    secretArn: aws.secrets.put("slack", slack.url),
    nowMs: () => 0,
    timeoutMs: 300,
  });
  const clock = { nowMs: 0 };
  const sleeps: number[] = [];
  const logged: string[] = [];
  const log = (message: string, fields = {}) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const handler = createSlackHandler({
    post: webhook.post,
    sleep: async (ms) => {
      sleeps.push(ms);
      clock.nowMs += ms;
    },
    nowMs: () => clock.nowMs,
    remainingMs: () => remainingMs - clock.nowMs,
    log: { info: log, warn: log, error: log },
  });
  return {
    slack,
    sleeps,
    logged,
    invoke: (event: SNSEvent) => handler(event, context),
    bodies: () => slack.accepted.map((body) => JSON.parse(body)),
    async [Symbol.asyncDispose]() {
      await slack[Symbol.asyncDispose]();
      await aws.close();
    },
  };
}

test("blocks arrive as they are; text that somebody published by hand arrives as header and section", async () => {
  await using use = await slackFunction();
  await use.invoke(one);
  await use.invoke(eventOf(record("id-2", undefined, "<!channel> by hand")));
  deepEqual(use.bodies(), [
    { text: "checkout: Leak", blocks: [{ type: "divider" }] },
    {
      text: "Tidemark",
      blocks: [
        { type: "header", text: { type: "plain_text", emoji: false, text: "Tidemark" } },
        { type: "section", text: { type: "plain_text", emoji: false, text: "<!channel> by hand" } },
      ],
    },
  ]);
});

test("what only looks like ours is text: other JSON, a null, a list", async () => {
  await using use = await slackFunction();
  for (const [index, text] of ['{"text":1,"blocks":[]}', "null", "[1]", '{"text":"x","blocks":[null]}', '{"a":'].entries()) {
    await use.invoke(eventOf(record(`id-${index}`, "s", text)));
    equal(use.bodies().at(-1).blocks[1].text.text, text);
  }
});

test("records of one event go one a second, each once", async () => {
  await using use = await slackFunction();
  await use.invoke(eventOf(...["a", "b", "c"].map((id) => record(id, id, id))));
  deepEqual(
    use.bodies().map(({ text }) => text),
    ["a", "b", "c"],
  );
  deepEqual(use.sleeps, [1_000, 1_000]);
});

test("blocks that Slack refuses go as plain words, once, escaped, and the log says so", async () => {
  await using use = await slackFunction();
  await use.invoke(brokenBlocks);
  deepEqual(use.slack.answers, ["400 invalid_blocks", "200 ok"]);
  deepEqual(use.bodies(), [{ text: "checkout &lt;!here&gt;: Leak\n\nwords" }]);
  match(use.logged.join(), /refuses the blocks/);
});

test("a message that is refused plainly as well is given up with Slack's reason", async () => {
  await using use = await slackFunction();
  use.slack.answerNext({ status: 400, answer: "invalid_blocks" }, { status: 400, answer: "no_text" });
  await rejects(use.invoke(one), /is not in Slack: Slack answered 400 "no_text"/);
});

test("429 is waited for as long as Slack says and the time allows; the message then arrives", async () => {
  await using use = await slackFunction();
  use.slack.answerNext({ status: 429, answer: "rate_limited", retryAfter: "3" });
  await use.invoke(one);
  deepEqual(use.sleeps, [3_000]);
  equal(use.slack.accepted.length, 1);
});

test("a wait beyond the function's time is left to the next delivery", async () => {
  await using use = await slackFunction({ remainingMs: 30_000 });
  use.slack.answerNext({ status: 429, answer: "rate_limited", retryAfter: "20" });
  await rejects(use.invoke(one), /Slack asks to wait 20000 ms, and the function has 30000 ms/);
  deepEqual(use.sleeps, []);
});

test("twenty refused together do not come again together", () => {
  const outcome = { kind: "limited", retryAfterMs: 1_000 } as const;
  const waits = Array.from({ length: 20 }, (_, index) =>
    nextStep({ outcome, isPlain: false, remainingMs: 60_000, spread: index / 20 }),
  );
  equal(new Set(waits.map((next) => (next.kind === "wait" ? next.waitMs : next.kind))).size, 20);
});

test("what fails is rejected with its reason and no URL, so that it is delivered again and at last kept as a dead letter", async () => {
  const days = [
    [500, /Slack answered 500 "rollup_error"/],
    [403, /403 "action_prohibited": the workspace does not let this webhook post/],
    [404, /404 "no_service": the webhook or its channel is gone; make a new webhook/],
    [{ status: 404, answer: "channel_not_found" }, /channel_not_found.*put its URL into the secret/],
    [410, /410 "channel_is_archived": the webhook or its channel is gone/],
    ["hang", /did not answer: TimeoutError/],
    ["cut off", /did not answer: TypeError/],
  ] as const;
  for (const [day, reason] of days) {
    await using use = await slackFunction();
    use.slack.answerNext(day);
    const error: Error = await use.invoke(one).then(
      () => new Error("it was taken"),
      (thrown) => thrown,
    );
    match(error.message, reason);
    match(error.message, /^the message "checkout: Leak" is not in Slack/);
    doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${error.cause ?? ""} ${use.logged}`, /services|B0|secret"/);
  }
});

test("a slow answer within the limit is an answer", async () => {
  await using use = await slackFunction();
  use.slack.answerNext({ lateMs: 100 });
  await use.invoke(one);
  equal(use.slack.accepted.length, 1);
});

test("a repeated event says only what is not in Slack yet", async () => {
  await using use = await slackFunction();
  const event = eventOf(record("a", "a", "a"), record("b", "b", "b"));
  await use.invoke(eventOf(record("a", "a", "a")));
  use.slack.answerNext(500);
  await rejects(use.invoke(event), /500/);
  await use.invoke(event);
  await use.invoke(event);
  deepEqual(
    use.bodies().map(({ text }) => text),
    ["a", "b"],
  );
});

test("subjects and texts of any size are taken", async () => {
  await using use = await slackFunction();
  const blocks = Array.from({ length: 200 }, () => ({
    type: "section",
    text: { type: "plain_text", text: "x".repeat(2_900) },
  }));
  await use.invoke(
    eventOf(
      record("a", "<&>".repeat(40_000), "&".repeat(200_000)),
      record("b", " ", " "),
      record("c", "s", JSON.stringify({ text: "t", blocks })),
    ),
  );
  deepEqual(use.slack.answers, ["200 ok", "200 ok", "200 ok"]);
  ok(use.bodies()[2].blocks.length < 5);
  match(JSON.stringify(use.bodies()[2].blocks.at(-1)), /197 more parts are in the mail/);
});
