// From a raw object's creation to Parquet: EventBridge tells a queue, the queue feeds the converter, failures wait aside.
// What a message may say and what becomes of an object is functions/convert.ts's.
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { sampleKinds } from "../../schema/columns.ts";
import { LAKE_PREFIX, LATE_PREFIX, RAW_PREFIX, REJECTS_PREFIX } from "../../schema/keys.ts";
import { createDeadLetters } from "../parts/dead-letters.ts";
import { keyGrant } from "../parts/grants.ts";
import { type FunctionContext, StageFunction } from "../parts/stage-function.ts";
import type { Buckets } from "./buckets.ts";

export interface ConversionProps extends FunctionContext {
  readonly buckets: Buckets;
  readonly key: IKey;
}

/** A batch of ten objects of the usual 16 MiB takes about 20 s; one of the largest that are taken, 1 GiB, some minutes. */
const TIMEOUT = Duration.seconds(300);
/** AWS's advice: a message must not come back while its batch is still being retried. */
const VISIBILITY_TIMEOUTS = 6;
/** Objects in one call. */
const BATCH = 10;
/** Deliveries before a message goes aside: enough for a store that was down for an hour. */
const DELIVERIES_MAX = 5;
/** MiB: with these comes one whole processor, which is all that the converter can use; it needs 300 MiB, whatever the object's size. */
const MEMORY = 1_769;

/** MiB: left alone, the engine's space for young objects grows with the object's size to 150 MB, and saves no time. */
const SEMI_SPACE = 8;

export class Conversion extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly function: StageFunction;

  constructor(scope: Construct, id: string, { buckets: { raw, lake }, key, ...context }: ConversionProps) {
    super(scope, id);
    this.deadLetters = createDeadLetters(this, "DeadLetters");
    this.queue = new Queue(this, "Queue", {
      visibilityTimeout: Duration.seconds(TIMEOUT.toSeconds() * VISIBILITY_TIMEOUTS),
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: DELIVERIES_MAX },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new Rule(this, "RawObjectCreated", {
      description: "Tidemark: raw objects are to be converted",
      eventPattern: {
        source: ["aws.s3"],
        detailType: ["Object Created"],
        detail: { bucket: { name: [raw.bucketName] }, object: { key: [{ prefix: RAW_PREFIX }] } },
      },
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters })],
    });
    this.function = new StageFunction(this, "Convert", {
      ...context,
      stage: "convert",
      description: "Tidemark: raw objects to Parquet",
      timeout: TIMEOUT,
      memory: MEMORY,
      asynchronous: false,
      environment: {
        TIDEMARK_RAW_BUCKET: raw.bucketName,
        TIDEMARK_LAKE_BUCKET: lake.bucketName,
        NODE_OPTIONS: `--max-semi-space-size=${SEMI_SPACE}`,
      },
      grants: [
        {
          sid: "Queue",
          why: "Lambda takes the messages from the queue with the function's role.",
          actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
          resources: [this.queue.queueArn],
        },
        {
          sid: "ReadRaw",
          why: "Any raw object may be announced.",
          actions: ["s3:GetObject"],
          resources: [raw.arnForObjects(`${RAW_PREFIX}*`)],
        },
        {
          sid: "KnowMissing",
          why: "Without it S3 answers 403 instead of 404 for an object that has expired.",
          actions: ["s3:ListBucket"],
          resources: [raw.bucketArn],
        },
        {
          sid: "WriteLake",
          why: "Objects are named after the hour of their rows and the raw object; the three tables of samples, rejects, and marks of late hours.",
          actions: ["s3:PutObject"],
          resources: [
            ...sampleKinds.map((kind) => lake.arnForObjects(`${LAKE_PREFIX}${kind}/*`)),
            lake.arnForObjects(`${REJECTS_PREFIX}*`),
            lake.arnForObjects(`${LATE_PREFIX}*`),
          ],
        },
        keyGrant(key, "s3"),
      ],
    });
    new CfnEventSourceMapping(this, "QueueToConvert", {
      functionName: this.function.lambda.functionName,
      eventSourceArn: this.queue.queueArn,
      batchSize: BATCH,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: context.options.convertConcurrencyMax },
    });
  }
}
