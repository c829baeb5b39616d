// Messages to people by SNS: a subject, a body for each protocol, and attributes to filter subscriptions by.
// Who subscribes is infra's and the teams'; what the bodies are is core/sns-bodies.ts's.
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { snsBodies } from "../core/sns-bodies.ts";
import type { Message, Notifier } from "../edges.ts";

/** A topic that this function has no ARN for is a mistake of the caller, and throws. */
export function snsNotifier(client: SNSClient, topicArns: Partial<Readonly<Record<Message["topic"], string>>>): Notifier {
  return {
    async send(message) {
      const { topic, subject, attributes } = message;
      const arn = topicArns[topic];
      if (arn === undefined) throw new Error(`no topic for ${topic}, but for ${Object.keys(topicArns).join(", ") || "none"}`);
      await client.send(
        new PublishCommand({
          TopicArn: arn,
          Subject: subject,
          Message: snsBodies(message),
          MessageStructure: "json",
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes)
              // SNS refuses empty attribute values, and with them the message.
              .filter(([, value]) => value !== "")
              .map(([name, value]) => [name, { DataType: "String", StringValue: value }]),
          ),
        }),
      );
    },
  };
}
