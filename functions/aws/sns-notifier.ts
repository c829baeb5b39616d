// Messages to people by SNS: subject, text, and attributes to filter subscriptions by.
// Who subscribes is infra's and the teams'; how Slack shows it is the slack function's.
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import type { Message, Notifier } from "../edges.ts";

/** SNS counts the text together with the attributes' names, types and values; a few KiB are kept for those and the subject. */
const MESSAGE_BYTES_MAX = 262_144;
const ATTRIBUTE_BYTES_RESERVED = 8_192;

/** A topic that this function has no ARN for is a mistake of the caller, and throws. */
export function snsNotifier(client: SNSClient, topicArns: Partial<Readonly<Record<Message["topic"], string>>>): Notifier {
  return {
    async send({ topic, subject, text, attributes }) {
      const arn = topicArns[topic];
      if (arn === undefined) throw new Error(`no topic for ${topic}, but for ${Object.keys(topicArns).join(", ") || "none"}`);
      await client.send(
        new PublishCommand({
          TopicArn: arn,
          Subject: subject,
          Message: cutToBytes(text, MESSAGE_BYTES_MAX - ATTRIBUTE_BYTES_RESERVED),
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

/** A message that is too long must still arrive: its end is cut, never within a character, and it says so. */
export function cutToBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  const note = `\n\n[cut: this message has ${bytes.length} bytes, SNS takes ${bytesMax}]`;
  let end = bytesMax - Buffer.byteLength(note);
  // Bytes 10xxxxxx continue a character of UTF-8.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString("utf8") + note;
}
