// The adapters against moto, an implementation of AWS that somebody else wrote: what ours and theirs agree on is likelier true.
// Faults and limits are not moto's strength; those are tested against the loopback AWS.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateDeliveryStreamCommand, FirehoseClient } from "@aws-sdk/client-firehose";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { firehoseDelivery } from "../../collector/ship/firehose.ts";
import { s3Store } from "../../functions/aws/s3-store.ts";
import { snsNotifier } from "../../functions/aws/sns-notifier.ts";
import { keepsObjects, listsAllPages } from "../functions/aws/store-contract.ts";
import { clientFor } from "./clients.ts";
import { startAws } from "./endpoint.ts";
import { type Moto, missingForMoto, startMoto } from "./moto.ts";

const missing = missingForMoto();
// In CI a skipped proof would look like a passed one.
if (missing !== null && process.env["CI"]) throw new Error(missing);
if (missing !== null) process.stderr.write(`\nSKIPPED: the adapters are not tested against moto: ${missing}\n\n`);
const skip = missing ?? false;

let moto: Moto;
before(async () => {
  if (missing === null) moto = await startMoto();
});
after(async () => {
  if (missing === null) await moto[Symbol.asyncDispose]();
});

async function bucket(name: string) {
  const client = new S3Client(clientFor(moto));
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return s3Store(client, name);
}

test("S3: the store keeps, replaces, copies, lists and deletes", { skip }, async () => {
  await keepsObjects(await bucket("tidemark-objects"));
});

test("S3: a listing has all pages", { skip }, async () => {
  await listsAllPages(await bucket("tidemark-pages"));
});

test("S3: a missing bucket throws", { skip }, async () => {
  await rejects(s3Store(new S3Client(clientFor(moto)), "tidemark-gone").get("x"), /NoSuchBucket/);
});

test("Firehose: records arrive in the bucket, byte for byte and in order; a missing stream leaves them all", {
  skip,
}, async () => {
  const store = await bucket("tidemark-raw");
  const client = new FirehoseClient(clientFor(moto));
  await client.send(
    new CreateDeliveryStreamCommand({
      DeliveryStreamName: "samples",
      DeliveryStreamType: "DirectPut",
      ExtendedS3DestinationConfiguration: {
        BucketARN: "arn:aws:s3:::tidemark-raw",
        RoleARN: "arn:aws:iam::123456789012:role/firehose",
        Prefix: "raw/",
      },
    }),
  );
  const records = [Buffer.from([0x1f, 0x8b, 0, 255]), Buffer.from("second")];
  equal(await firehoseDelivery({ stream: "samples", client }).deliver(records), null);
  const [key = ""] = await Array.fromAsync(store.list("raw/"));
  deepEqual(Buffer.from((await store.get(key)) ?? []), Buffer.concat(records));
  const left = await firehoseDelivery({ stream: "gone", client }).deliver(records);
  deepEqual(left?.indices, [0, 1]);
});

test("SNS: a message reaches a subscriber with its attributes, and a filter keeps others away", { skip }, async () => {
  const sns = new SNSClient(clientFor(moto));
  const sqs = new SQSClient(clientFor(moto));
  const { TopicArn: arn = "" } = await sns.send(new CreateTopicCommand({ Name: "alerts" }));
  const mine = await subscribedQueue(sqs, sns, arn, "checkout");
  const theirs = await subscribedQueue(sqs, sns, arn, "search");
  const attributes = { kind: "alert", service: "checkout", severity: "held", cause: "retention" };
  const notifier = snsNotifier(sns, { alerts: arn });
  await notifier.send({ topic: "alerts", subject: "Tidemark: checkout", text: "10 € & <more>", attributes });
  const [body = ""] = await receive(sqs, mine);
  const notification = JSON.parse(body) as { Subject: string; Message: string; MessageAttributes: Record<string, unknown> };
  deepEqual([notification.Subject, notification.Message], ["Tidemark: checkout", "10 € & <more>"]);
  deepEqual(notification.MessageAttributes["severity"], { Type: "String", Value: "held" });
  deepEqual(await receive(sqs, theirs), []);
});

test("SQS: ours and moto's hand out, hide and delete messages alike", { skip }, async () => {
  await using aws = await startAws();
  for (const endpoint of [moto, aws]) {
    const sqs = new SQSClient(clientFor(endpoint));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "convert" }));
    for (const MessageBody of ["one", "two ü"]) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const request = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 1, MessageSystemAttributeNames: ["All" as const] };
    const { Messages: first = [] } = await sqs.send(new ReceiveMessageCommand(request));
    deepEqual(first.map(({ Body }) => Body).sort(), ["one", "two ü"]);
    equal(first[0]?.Attributes?.ApproximateReceiveCount, "1");
    ok(Number(first[0]?.Attributes?.SentTimestamp) > 0);
    equal((await sqs.send(new ReceiveMessageCommand(request))).Messages, undefined, "what is in flight is hidden");
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first[0]?.ReceiptHandle }));
    await sleep(1_100);
    const { Messages: second = [] } = await sqs.send(new ReceiveMessageCommand(request));
    deepEqual(
      second.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]),
      [[first[1]?.Body, "2"]],
      "what was not deleted comes again",
    );
  }
});

async function subscribedQueue(sqs: SQSClient, sns: SNSClient, TopicArn: string, service: string): Promise<string> {
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: `team-${service}` }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  const FilterPolicy = JSON.stringify({ service: [service] });
  await sns.send(
    new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: Attributes?.QueueArn, Attributes: { FilterPolicy } }),
  );
  return QueueUrl;
}

async function receive(sqs: SQSClient, QueueUrl: string): Promise<readonly string[]> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body }) => Body ?? "");
}
