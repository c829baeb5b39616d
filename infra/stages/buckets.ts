// Where data rests: raw objects as they arrived, the lake of Parquet and reports, and results of queries.
// Prefixes come from schema/keys.ts; who may read and write which of them is in the roles of the stages.
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  type LifecycleRule,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { sampleKinds } from "../../schema/columns.ts";
import { LAKE_PREFIX, RAW_PREFIX, REJECTS_PREFIX, REPORTS_PREFIX, STAGING_PREFIX } from "../../schema/keys.ts";
import type { Options } from "../options.ts";
import { acknowledge } from "../parts/acknowledge.ts";

/** Firehose puts there what it could not deliver as it should. */
export const ERRORS_PREFIX = "errors/";
export const RESULTS_PREFIX = "athena/";
/** A run that stages files is over within minutes; whatever is a day old was left behind. */
const STAGING_DAYS = 1;
/** Time to notice that a new version of the converter spoilt what it overwrote. */
const OVERWRITTEN_DAYS = 7;

export class Buckets extends Construct {
  readonly raw: IBucket;
  readonly lake: IBucket;
  readonly results: IBucket;

  constructor(scope: Construct, id: string, { options, key }: { readonly options: Options; readonly key: IKey }) {
    super(scope, id);
    const { existing, retentionDays } = options;
    const make = (
      name: string,
      lifecycleRules: LifecycleRule[],
      versioned: boolean,
      existingName: string | undefined,
    ): IBucket =>
      existingName === undefined
        ? (this.#create(name, key, lifecycleRules, versioned) as IBucket)
        : Bucket.fromBucketName(this, name, existingName);

    this.raw = make(
      "Raw",
      [expire(RAW_PREFIX, retentionDays.raw), expire(ERRORS_PREFIX, retentionDays.raw)],
      // Written once under a name of its own and never again: there is nothing that a version could save.
      false,
      existing.rawBucket,
    );
    this.lake = make(
      "Lake",
      [
        ...sampleKinds.map((table) => expire(`${LAKE_PREFIX}${table}/`, retentionDays.minutes)),
        expire(`${LAKE_PREFIX}process_hour/`, retentionDays.hours),
        expire(REJECTS_PREFIX, retentionDays.rejects),
        expire(REPORTS_PREFIX, retentionDays.reports),
        expire(STAGING_PREFIX, STAGING_DAYS),
        { id: "overwritten", noncurrentVersionExpiration: Duration.days(OVERWRITTEN_DAYS) },
        { id: "delete-markers", expiredObjectDeleteMarker: true },
      ],
      true,
      existing.lakeBucket,
    );
    this.results = make("Results", [expire(RESULTS_PREFIX, retentionDays.queryResults)], false, existing.resultsBucket);
    if (existing.rawBucket === undefined) announceObjects(this.raw);
  }

  #create(name: string, key: IKey, lifecycleRules: LifecycleRule[], versioned: boolean): Bucket {
    const bucket = new Bucket(this, name, {
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      // One call to KMS for many objects instead of one for each.
      bucketKeyEnabled: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      versioned,
      lifecycleRules: [...lifecycleRules, { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, {
      "AwsSolutions-S1":
        "Who read what is CloudTrail's to say (data events, chosen for a whole account); access logs would need a bucket without the key.",
    });
    return bucket;
  }
}

const expire = (prefix: string, afterDays: number): LifecycleRule => ({
  id: prefix.replaceAll("/", "-").replace(/-$/, ""),
  prefix,
  expiration: Duration.days(afterDays),
});

/** Set on the bucket itself: CDK's own way would add a function of its own that may change any bucket's notifications. */
function announceObjects(bucket: IBucket): void {
  (bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
    eventBridgeConfiguration: { eventBridgeEnabled: true },
  };
}
