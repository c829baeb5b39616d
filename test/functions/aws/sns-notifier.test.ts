// Messages by SNS: attributes for filters, limits kept, refusals told.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { SNSClient } from "@aws-sdk/client-sns";
import { snsNotifier } from "../../../functions/aws/sns-notifier.ts";
import { section } from "../../../functions/core/slack/blocks.ts";
import { cutToBytes } from "../../../functions/core/sns-bodies.ts";
import type { Message } from "../../../functions/edges.ts";
import { clientFor } from "../../aws/clients.ts";
import { startAws } from "../../aws/endpoint.ts";
import { denied } from "../../aws/faults.ts";

const message: Message = {
  topic: "alerts",
  subject: "Tidemark: checkout",
  text: "checkout & <all> that: 10 €\n\nsecond",
  attributes: { kind: "alert", service: "checkout", severity: "act", cause: "leak" },
};

async function topic() {
  const aws = await startAws();
  const arn = aws.sns.createTopic("alerts");
  const notifier = snsNotifier(new SNSClient(clientFor(aws)), { alerts: arn });
  return { aws, arn, notifier, [Symbol.asyncDispose]: aws.close };
}

test("mail gets the text, functions the blocks, chats their schema; an empty attribute does not hold up the message", async () => {
  await using use = await topic();
  const blocks = [section("checkout & <all> that")];
  await use.notifier.send({ ...message, slack: blocks, attributes: { ...message.attributes, version: "" } });
  const [published] = use.aws.sns.published;
  equal(published?.topicArn, use.arn);
  equal(published?.subject, message.subject);
  equal(published?.message, message.text);
  deepEqual(published?.attributes, message.attributes);
  const { lambda, https, sms, ...others } = published?.bodies ?? {};
  deepEqual(others, { default: message.text }, "e-mail, queues and the rest get the default");
  deepEqual(JSON.parse(lambda ?? ""), { text: message.text, blocks });
  equal(sms, message.subject);
  const chat = JSON.parse(https ?? "");
  deepEqual([chat.version, chat.source, chat.content.title], ["1.0", "custom", message.subject]);
  match(chat.content.description, /^checkout &amp; &lt;all&gt; that/);
});

test("a message beyond SNS's limit is cut between characters, says so, and arrives", async () => {
  await using use = await topic();
  for (const character of ["\u20ac", "\u0001", '"', "\ud83d\ude00"]) {
    await use.notifier.send({
      ...message,
      text: character.repeat(300_000),
      slack: Array.from({ length: 60 }, () => section("x".repeat(3_000))),
    });
    const text = use.aws.sns.published.at(-1)?.message ?? "";
    match(text, /\n\n\[cut: this message has \d+ bytes, too many for SNS\]$/);
    ok(text.length > 20_000 && !text.includes("\ufffd"), "no more than needed is cut, and no character in two");
  }
});

test("what fits is not touched, to the byte", () => {
  equal(cutToBytes("\u20ac\u20ac", 6), "\u20ac\u20ac");
  ok(Buffer.byteLength(cutToBytes("\u20ac".repeat(100), 200)) <= 200);
});

test("a topic that nobody configured, a denied or a missing one: the caller hears of it", async () => {
  await using use = await topic();
  await rejects(use.notifier.send({ ...message, topic: "reports" }), /no topic for reports, but for alerts/);
  const gone = snsNotifier(new SNSClient(clientFor(use.aws)), { alerts: `${use.arn}-gone` });
  await rejects(gone.send(message), /Topic does not exist/);
  use.aws.faults.inject({ service: "sns", operation: "Publish", ...denied });
  await rejects(use.notifier.send(message), /not authorized/);
  equal(use.aws.sns.published.length, 0);
});

test("a throttled publish is made again, once", async () => {
  await using use = await topic();
  use.aws.faults.inject({ service: "sns", operation: "Publish", code: "Throttling", status: 400, times: 1 });
  await use.notifier.send(message);
  equal(use.aws.sns.published.length, 1);
});
