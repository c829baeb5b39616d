// The loopback AWS itself: that unmodified SDK clients meet what the services document, also where no adapter goes today.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { clientFor } from "./clients.ts";
import { type AwsEndpoint, startAws } from "./endpoint.ts";
import { announceObjects } from "./event-source.ts";
import { instance } from "./imds.ts";

const s3Of = (aws: AwsEndpoint) => {
  aws.s3.createBucket("b");
  return new S3Client(clientFor(aws));
};

test("S3: ranges from the start, the middle and the end; one beyond the object is refused", async () => {
  await using aws = await startAws();
  const s3 = s3Of(aws);
  await s3.send(new PutObjectCommand({ Bucket: "b", Key: "k", Body: "0123456789" }));
  const read = async (Range: string) => {
    const { Body, ContentRange } = await s3.send(new GetObjectCommand({ Bucket: "b", Key: "k", Range }));
    return [await Body?.transformToString(), ContentRange];
  };
  deepEqual(await read("bytes=0-3"), ["0123", "bytes 0-3/10"]);
  deepEqual(await read("bytes=4-"), ["456789", "bytes 4-9/10"]);
  deepEqual(await read("bytes=-2"), ["89", "bytes 8-9/10"]);
  await rejects(read("bytes=10-"), { name: "InvalidRange" });
});

test("S3: a write with If-None-Match wins once; a changed object fails If-Match; HEAD has the size", async () => {
  await using aws = await startAws();
  const s3 = s3Of(aws);
  const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket: "b", Key: "k", Body, IfNoneMatch: "*" }));
  const { ETag } = await put("first");
  await rejects(put("second"), { name: "PreconditionFailed" });
  const head = await s3.send(new HeadObjectCommand({ Bucket: "b", Key: "k" }));
  deepEqual([head.ContentLength, head.ETag], [5, ETag]);
  await s3.send(new PutObjectCommand({ Bucket: "b", Key: "k", Body: "third" }));
  await rejects(s3.send(new GetObjectCommand({ Bucket: "b", Key: "k", IfMatch: ETag })), { name: "PreconditionFailed" });
  await rejects(s3.send(new HeadObjectCommand({ Bucket: "b", Key: "gone" })), { name: "NotFound" });
});

test("S3: a stream is sent in chunks with a checksum behind it, and the object is what was meant", async () => {
  await using aws = await startAws();
  const s3 = s3Of(aws);
  const text = "0123456789".repeat(30_000);
  const Body = Readable.from([Buffer.from(text.slice(0, 100_001)), Buffer.from(text.slice(100_001))]);
  const put = new PutObjectCommand({ Bucket: "b", Key: "k", Body, ContentLength: text.length, ChecksumAlgorithm: "CRC32" });
  const { ChecksumCRC32 } = await s3.send(put);
  ok(ChecksumCRC32);
  const { Body: back } = await s3.send(new GetObjectCommand({ Bucket: "b", Key: "k" }));
  equal(await back?.transformToString(), text);
});

test("S3: a body that is not what its checksum says is refused", async () => {
  await using aws = await startAws();
  const s3 = s3Of(aws);
  const wrong = new PutObjectCommand({ Bucket: "b", Key: "k", Body: "text", ChecksumCRC32: "AAAAAA==" });
  await rejects(s3.send(wrong), (error) => error instanceof S3ServiceException && error.name === "BadDigest");
  deepEqual(aws.s3.keys("b"), []);
});

test("a request that nobody signed is refused", async () => {
  await using aws = await startAws();
  aws.s3.createBucket("b");
  equal((await fetch(`${aws.url}/b/k`)).status, 403);
});

test("EventBridge: objects below the prefix are announced to the queue, others are not", async () => {
  await using aws = await startAws();
  const s3 = s3Of(aws);
  aws.sqs.createQueue({ name: "q" });
  announceObjects(aws, "b", "raw/", "q");
  for (const Key of ["raw/dt=2026-11-23/a b", "errors/x"])
    await s3.send(new PutObjectCommand({ Bucket: "b", Key, Body: "four" }));
  const [body = "{}", ...others] = aws.sqs.bodies("q");
  const event = JSON.parse(body) as { "detail-type": string; detail: { object: { key: string; size: number } } };
  deepEqual(
    [event["detail-type"], event.detail.object.key, event.detail.object.size],
    ["Object Created", "raw/dt=2026-11-23/a b", 4],
  );
  equal(others.length, 0);
});

test("SQS: what was received too often goes to the dead-letter queue", async () => {
  await using aws = await startAws();
  aws.sqs.createQueue({ name: "dead" });
  aws.sqs.createQueue({ name: "q", visibilityMs: 0, deadLetters: { queue: "dead", receivesMax: 2 } });
  aws.sqs.send("q", "poison");
  const sqs = new SQSClient(clientFor(aws));
  for (let tries = 0; tries < 3; tries++) await sqs.send(new ReceiveMessageCommand({ QueueUrl: `${aws.url}/1/q` }));
  deepEqual([aws.sqs.bodies("q"), aws.sqs.bodies("dead")], [[], ["poison"]]);
});

test("Firehose and SNS refuse what is beyond their limits", async () => {
  await using aws = await startAws();
  aws.s3.createBucket("b");
  aws.firehose.createStream({ name: "s", bucket: "b", bufferMs: 1_000 });
  const firehose = new FirehoseClient(clientFor(aws));
  const put = (sizes: readonly number[]) =>
    firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: "s", Records: sizes.map((size) => ({ Data: Buffer.alloc(size) })) }),
    );
  await rejects(put(Array.from({ length: 501 }, () => 1)), { name: "ValidationException" });
  await rejects(put([1_000 * 1_024 + 1]), { name: "InvalidArgumentException" });
  await rejects(put(Array.from({ length: 5 }, () => 1_000_000)), { name: "InvalidArgumentException" });
  const TopicArn = aws.sns.createTopic("t");
  const sns = new SNSClient(clientFor(aws));
  await rejects(sns.send(new PublishCommand({ TopicArn, Message: "x".repeat(262_145) })), /Message too long/);
  await rejects(sns.send(new PublishCommand({ TopicArn, Message: "x", Subject: "é" })), /Subject/);
});

test("IMDS answers with a token only, knows the instance, and no tags", async () => {
  await using aws = await startAws();
  const path = `${aws.url}/latest/dynamic/instance-identity/document`;
  equal((await fetch(path)).status, 401);
  const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
  const token = await (await fetch(`${aws.url}/latest/api/token`, { method: "PUT", headers: ttl })).text();
  const headers = { "x-aws-ec2-metadata-token": token };
  deepEqual(await (await fetch(path, { headers })).json(), instance);
  equal((await fetch(`${aws.url}/latest/meta-data/tags/instance/Name`, { headers })).status, 404);
});
