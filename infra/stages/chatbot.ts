// A switch: Amazon Q Developer shows Tidemark's own alarms, and messages written for it, in a Slack channel.
// The workspace must have been authorized once in its console; which messages it understands is SNS's and its own business.
import { Aws } from "aws-cdk-lib";
import { CfnSlackChannelConfiguration } from "aws-cdk-lib/aws-chatbot";
import { Construct } from "constructs";
import type { Options } from "../options.ts";
import { createRole } from "../parts/grants.ts";
import type { Topics } from "./topics.ts";

export interface ChatbotProps {
  readonly options: Options;
  readonly channel: NonNullable<Options["chatbot"]>;
  readonly topics: Topics;
}

export class Chatbot extends Construct {
  constructor(scope: Construct, id: string, { options, channel, topics }: ChatbotProps) {
    super(scope, id);
    const role = createRole(this, "Role", {
      service: "chatbot",
      description: "Tidemark: shows messages in Slack, may do nothing",
      grants: [],
    });
    new CfnSlackChannelConfiguration(this, "Channel", {
      configurationName: options.name,
      slackWorkspaceId: channel.workspaceId,
      slackChannelId: channel.channelId,
      iamRoleArn: role.roleArn,
      snsTopicArns: [topics.alerts.topicArn, topics.reports.topicArn, topics.operations.topicArn],
      loggingLevel: "ERROR",
      // Without a guardrail it would be AdministratorAccess: whoever writes in the channel could ask for anything.
      guardrailPolicies: [`arn:${Aws.PARTITION}:iam::aws:policy/AWSDenyAll`],
    });
  }
}
