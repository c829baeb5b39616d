// The one key that everything at rest is locked with: buckets, the stream, the topics, the webhook.
// Who may use it through which service is in the roles; only what has no role is named in its policy here.
import { Aws, RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type IKey, Key } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { Options } from "../options.ts";

export class EncryptionKey extends Construct {
  readonly key: IKey;

  constructor(scope: Construct, id: string, { name, existing }: Pick<Options, "name" | "existing">) {
    super(scope, id);
    if (existing.keyArn !== undefined) {
      this.key = Key.fromKeyArn(this, "Existing", existing.keyArn);
      return;
    }
    const key = new Key(this, "Key", {
      description: "Tidemark: samples, findings, query results, messages",
      alias: name,
      enableKeyRotation: true,
      // Without its key, data that is kept could not be read.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Alarms publish to an encrypted topic as CloudWatch itself, which has no role.
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsToTopics",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: ["*"],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    this.key = key;
  }
}
