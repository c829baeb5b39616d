// Subscribed to the topics: posts each message to Slack's incoming webhook.
// What a message says is core/messages.ts's; here it only changes its clothes.
import middy from "@middy/core";
import type { SNSEvent } from "aws-lambda";
import { slackMessage } from "./core/slack-message.ts";

export interface SlackEdge {
  /** Posts JSON; rejects unless Slack accepted it, so that SNS delivers again and at last to the dead-letter queue. */
  post(body: string): Promise<void>;
}

export const createSlackHandler = (edge: SlackEdge) =>
  middy(async (event: SNSEvent): Promise<void> => {
    for (const { Sns } of event.Records) {
      await edge.post(JSON.stringify(slackMessage(Sns.Subject ?? "Tidemark", Sns.Message)));
    }
  });
