// Alerts and reports to Slack: a function behind both topics, and the secret that holds the webhook's address.
// How a message looks there is functions/core/slack-message.ts's.
import { Duration } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { CfnPermission } from "aws-cdk-lib/aws-lambda";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { CfnSubscription, type Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { acknowledge } from "../parts/acknowledge.ts";
import { keyGrant } from "../parts/grants.ts";
import { type FunctionContext, StageFunction } from "../parts/stage-function.ts";
import type { Topics } from "./topics.ts";

export interface SlackProps extends FunctionContext {
  readonly topics: Topics;
  readonly key: IKey;
}

export class Slack extends Construct {
  readonly function: StageFunction;
  readonly secret: ISecret;

  constructor(scope: Construct, id: string, { topics, key, ...context }: SlackProps) {
    super(scope, id);
    this.secret = this.#webhook(key, context.options.slack.webhookSecretArn);
    this.function = new StageFunction(this, "Post", {
      ...context,
      stage: "slack",
      description: "Tidemark: alerts and reports to Slack",
      // Slack may ask to wait; what cannot wait so long is tried again by Lambda.
      timeout: Duration.seconds(60),
      memory: 256,
      asynchronous: true,
      environment: { TIDEMARK_SLACK_SECRET_ARN: this.secret.secretArn },
      grants: [
        {
          sid: "Webhook",
          why: "It reads the address to post to.",
          actions: ["secretsmanager:GetSecretValue"],
          resources: [this.secret.secretArn],
        },
        keyGrant(key, "secretsmanager"),
      ],
    });
    this.#subscribe("Alerts", topics.alerts);
    this.#subscribe("Reports", topics.reports);
  }

  /** Made with a random text that is no address: the function refuses it until the real one is put in. */
  #webhook(key: IKey, existingArn: string | undefined): ISecret {
    if (existingArn !== undefined) return Secret.fromSecretCompleteArn(this, "Webhook", existingArn);
    const secret = new Secret(this, "Webhook", {
      description: "Tidemark: URL of Slack's incoming webhook",
      encryptionKey: key,
    });
    acknowledge(secret, { "AwsSolutions-SMG4": "Slack gives the address to a person; no program can make a new one." });
    return secret as ISecret;
  }

  #subscribe(id: string, topic: Topic): void {
    const { lambda } = this.function;
    new CfnPermission(this, `${id}MayInvoke`, {
      action: "lambda:InvokeFunction",
      principal: "sns.amazonaws.com",
      functionName: lambda.functionArn,
      sourceArn: topic.topicArn,
    });
    new CfnSubscription(this, id, { topicArn: topic.topicArn, protocol: "lambda", endpoint: lambda.functionArn });
  }
}
