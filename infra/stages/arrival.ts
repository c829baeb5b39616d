// Where collectors deliver: a Firehose stream that gathers their records into raw objects, and the policy they need for it.
// Records are gzip members already, so it adds nothing and packs nothing; reading them is the converter's.
import { Aws, RemovalPolicy } from "aws-cdk-lib";
import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { CfnDeliveryStream } from "aws-cdk-lib/aws-kinesisfirehose";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { LogGroup, LogStream } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { RAW_PREFIX } from "../../schema/keys.ts";
import type { Options } from "../options.ts";
import { createRole, keyGrant, policyDocument } from "../parts/grants.ts";
import { ERRORS_PREFIX } from "./buckets.ts";

export interface ArrivalProps {
  readonly options: Options;
  readonly raw: IBucket;
  readonly key: IKey;
}

export class Arrival extends Construct {
  readonly stream: CfnDeliveryStream;
  readonly streamName: string;
  /** For the role of every watched host: it may put records into this one stream, and nothing else. */
  readonly collectorPolicy: ManagedPolicy;

  constructor(scope: Construct, id: string, { options, raw, key }: ArrivalProps) {
    super(scope, id);
    this.streamName = options.name;
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/kinesisfirehose/${options.name}`,
      retention: options.retentionDays.logs,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logStream = new LogStream(this, "LogStream", { logGroup, logStreamName: "delivery" });
    const role = createRole(this, "Role", {
      service: "firehose",
      description: "Tidemark: raw objects",
      ownAccountBy: "sts:ExternalId",
      grants: [
        {
          sid: "RawObjects",
          why: "Firehose names the objects itself, below these two prefixes.",
          actions: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
          resources: [raw.arnForObjects(`${RAW_PREFIX}*`), raw.arnForObjects(`${ERRORS_PREFIX}*`)],
        },
        {
          sid: "RawBucket",
          why: "Firehose looks where the bucket is and which uploads are unfinished.",
          actions: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
          resources: [raw.bucketArn],
        },
        keyGrant(key, "s3"),
        {
          sid: "OwnLog",
          why: "Errors of delivery.",
          actions: ["logs:PutLogEvents"],
          resources: [
            `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:/aws/kinesisfirehose/${options.name}:log-stream:delivery`,
          ],
        },
      ],
    });
    this.stream = new CfnDeliveryStream(this, "Stream", {
      deliveryStreamName: this.streamName,
      deliveryStreamType: "DirectPut",
      // Firehose uses the key by a grant of its own (CreateGrant at creation), so that collectors need no leave to use it.
      deliveryStreamEncryptionConfigurationInput: { keyType: "CUSTOMER_MANAGED_CMK", keyArn: key.keyArn },
      extendedS3DestinationConfiguration: {
        bucketArn: raw.bucketArn,
        roleArn: role.roleArn,
        prefix: `${RAW_PREFIX}dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/`,
        errorOutputPrefix: `${ERRORS_PREFIX}!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
        customTimeZone: "UTC",
        fileExtension: ".ndjson.gz",
        compressionFormat: "UNCOMPRESSED",
        bufferingHints: { intervalInSeconds: options.ingest.bufferSeconds, sizeInMBs: options.ingest.bufferMebibytes },
        cloudWatchLoggingOptions: {
          enabled: true,
          logGroupName: logGroup.logGroupName,
          logStreamName: logStream.logStreamName,
        },
      },
    });
    this.collectorPolicy = new ManagedPolicy(this, "CollectorPolicy", {
      description: "Tidemark collector: put records into the stream, nothing else",
      document: policyDocument([
        {
          sid: "PutRecords",
          why: "The one thing that a collector does on AWS.",
          actions: ["firehose:PutRecordBatch"],
          resources: [this.stream.attrArn],
        },
      ]),
    });
  }
}
