// Messages by SNS: attributes for filters, limits kept, refusals told.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { SNSClient } from "@aws-sdk/client-sns";
import { cutToBytes, snsNotifier } from "../../../functions/aws/sns-notifier.ts";
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

test("subject, text and attributes arrive as they were, and an empty attribute does not hold up the message", async () => {
  await using use = await topic();
  await use.notifier.send({ ...message, attributes: { ...message.attributes, version: "" } });
  deepEqual(use.aws.sns.published, [
    { topicArn: use.arn, subject: message.subject, message: message.text, attributes: message.attributes },
  ]);
});

test("a message beyond SNS's limit is cut between characters, says so, and arrives", async () => {
  await using use = await topic();
  await use.notifier.send({ ...message, text: "€".repeat(200_000) });
  const text = use.aws.sns.published[0]?.message ?? "";
  match(text, /€\n\n\[cut: this message has 600000 bytes, SNS takes 253952\]$/);
  ok(!text.includes("\ufffd"), "no character is cut in two");
});

test("what fits is not touched, to the byte", () => {
  equal(cutToBytes("€€", 6), "€€");
  ok(Buffer.byteLength(cutToBytes("€".repeat(100), 200)) <= 200);
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
