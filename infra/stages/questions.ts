// Where questions are asked: the Athena workgroup with settings that nobody can leave, and the queries of queries/ by name.
// The grants that a function needs to ask are here as well, because they follow from both.
import { Aws } from "aws-cdk-lib";
import { CfnNamedQuery, CfnWorkGroup } from "aws-cdk-lib/aws-athena";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { readCatalogue } from "../../queries/catalogue.ts";
import type { NamedQuery } from "../../queries/named-query.ts";
import { LAKE_PREFIX } from "../../schema/keys.ts";
import type { Options } from "../options.ts";
import { arnOf, type Grant, keyGrant } from "../parts/grants.ts";
import { type Buckets, RESULTS_PREFIX } from "./buckets.ts";
import type { Catalogue } from "./catalogue.ts";

export interface QuestionsProps {
  readonly options: Options;
  readonly buckets: Buckets;
  readonly catalogue: Catalogue;
  readonly key: IKey;
}

/** Athena refuses longer descriptions. */
const DESCRIPTION_LENGTH_MAX = 1_024;

export class Questions extends Construct {
  readonly workgroupName: string;
  /** What a function needs to ask questions of the lake and to read the answers. */
  readonly grants: readonly Grant[];
  readonly environment: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, { options, buckets, catalogue, key }: QuestionsProps) {
    super(scope, id);
    this.workgroupName = options.name;
    const workgroup = new CfnWorkGroup(this, "Workgroup", {
      name: this.workgroupName,
      description: "Tidemark",
      // Only the history of queries goes with it; their results are objects of a bucket that is kept.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: options.lake.scanBytesMax,
        engineVersion: { selectedEngineVersion: "Athena engine version 3" },
        resultConfiguration: {
          outputLocation: `s3://${buckets.results.bucketName}/${RESULTS_PREFIX}`,
          expectedBucketOwner: Aws.ACCOUNT_ID,
          encryptionConfiguration: { encryptionOption: "SSE_KMS", kmsKey: key.keyArn },
        },
      },
    });
    for (const query of readCatalogue().values()) {
      new CfnNamedQuery(this, `Query-${query.name}`, {
        name: query.name,
        database: catalogue.databaseName,
        workGroup: this.workgroupName,
        description: describe(query),
        queryString: query.sql,
      }).addResourceDependency(workgroup);
    }
    this.environment = { TIDEMARK_WORKGROUP: this.workgroupName, TIDEMARK_DATABASE: catalogue.databaseName };
    this.grants = [
      {
        sid: "Ask",
        why: "Queries of this workgroup only.",
        actions: [
          "athena:StartQueryExecution",
          "athena:GetQueryExecution",
          "athena:GetQueryResults",
          "athena:StopQueryExecution",
        ],
        resources: [arnOf("athena", `workgroup/${this.workgroupName}`)],
      },
      {
        sid: "ReadCatalogue",
        why: "Athena looks up tables and views, and the default database before them, with the asker's role.",
        actions: ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
        resources: [
          arnOf("glue", "catalog"),
          arnOf("glue", "database/default"),
          arnOf("glue", `database/${catalogue.databaseName}`),
          ...catalogue.names.map((name) => arnOf("glue", `table/${catalogue.databaseName}/${name}`)),
        ],
      },
      {
        sid: "ReadLake",
        why: "Athena reads the tables' objects, whatever their names, with the asker's role.",
        actions: ["s3:GetObject"],
        resources: [buckets.lake.arnForObjects(`${LAKE_PREFIX}*`)],
      },
      {
        sid: "ListBuckets",
        why: "Athena lists the partitions' objects and its results with the asker's role.",
        actions: ["s3:ListBucket", "s3:GetBucketLocation"],
        resources: [buckets.lake.bucketArn, buckets.results.bucketArn],
      },
      {
        sid: "Results",
        why: "Athena names the results by query, and writes and reads them with the asker's role.",
        actions: ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        resources: [buckets.results.arnForObjects(`${RESULTS_PREFIX}*`)],
      },
      keyGrant(key, "s3"),
    ];
  }
}

/** The header in short: Athena's console shows it beside the query, whose `?` it asks for in this order. */
function describe({ summary, grain, parameters }: NamedQuery): string {
  const bound = parameters.map(
    ({ name, type, defaultText }) => `${name} ${type}${defaultText === null ? "" : ` = ${defaultText}`}`,
  );
  return `${summary} Grain: ${grain}. Parameters: ${bound.join(", ") || "none"}.`.slice(0, DESCRIPTION_LENGTH_MAX);
}
