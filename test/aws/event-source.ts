// What AWS runs between services for us: S3 to SQS by EventBridge, and SQS to a function with partial batch responses.
// Source: EventBridge user guide, "Object Created" event; Lambda developer guide, "Using Lambda with Amazon SQS".
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { AwsEndpoint } from "./endpoint.ts";
import type { Lambda } from "./lambda.ts";

/** The rule of the raw bucket: objects below the prefix are announced to the queue. */
export function announceObjects(aws: AwsEndpoint, bucket: string, prefix: string, queue: string): void {
  aws.s3.onCreated((created, key, { size, etag }) => {
    if (created === bucket && key.startsWith(prefix))
      aws.sqs.send(queue, JSON.stringify(objectCreated(bucket, key, size, etag)));
  });
}

export const objectCreated = (bucket: string, key: string, size: number, etag: string) => ({
  version: "0",
  "detail-type": "Object Created",
  source: "aws.s3",
  account: "123456789012",
  time: new Date().toISOString(),
  region: "us-east-1",
  resources: [`arn:aws:s3:::${bucket}`],
  detail: {
    version: "0",
    bucket: { name: bucket },
    object: { key, size, etag: etag.replaceAll('"', "") },
    reason: "PutObject",
  },
});

export interface EventSource {
  /** Ends after the batch in progress. */
  stop(): Promise<void>;
}

const BATCH_MESSAGES_MAX = 10;

/** Polls the queue over the wire and hands its messages to the function; what it reports as failed comes again, at once by default. */
export function startEventSource(
  aws: AwsEndpoint,
  queue: string,
  lambda: Pick<Lambda, "invoke">,
  retrySeconds = 0,
): EventSource {
  const client = new SQSClient({
    endpoint: aws.url,
    region: "us-east-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  });
  const QueueUrl = `${aws.url}/123456789012/${queue}`;
  let isStopped = false;

  async function poll(): Promise<void> {
    while (!isStopped) {
      const request = { QueueUrl, MaxNumberOfMessages: BATCH_MESSAGES_MAX, WaitTimeSeconds: 1 };
      const { Messages: messages = [] } = await client.send(new ReceiveMessageCommand(request));
      if (messages.length > 0) await handle(messages);
    }
  }

  async function handle(messages: readonly Message[]): Promise<void> {
    const event: SQSEvent = { Records: messages.map(sqsRecord) };
    const answer = (await lambda.invoke(event).catch(() => null)) as SQSBatchResponse | null;
    const failed = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { MessageId, ReceiptHandle } of messages) {
      const isDone = answer !== null && !failed.has(MessageId ?? "");
      await (isDone
        ? client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
        : client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: retrySeconds })));
    }
  }

  const polling = poll();
  return {
    async stop() {
      isStopped = true;
      await polling;
      client.destroy();
    },
  };
}

const sqsRecord = ({ MessageId, ReceiptHandle, Body, MD5OfBody, Attributes }: Message): SQSRecord => ({
  messageId: MessageId ?? "",
  receiptHandle: ReceiptHandle ?? "",
  body: Body ?? "",
  attributes: {
    ApproximateReceiveCount: Attributes?.ApproximateReceiveCount ?? "1",
    SentTimestamp: Attributes?.SentTimestamp ?? "0",
    SenderId: "AIDAEXAMPLE",
    ApproximateFirstReceiveTimestamp: Attributes?.SentTimestamp ?? "0",
  },
  messageAttributes: {},
  md5OfBody: MD5OfBody ?? "",
  eventSource: "aws:sqs",
  eventSourceARN: "arn:aws:sqs:us-east-1:123456789012:convert",
  awsRegion: "us-east-1",
});
