// SNS topics: publish with the published limits, subscriptions with filter policies, delivery to functions with retries.
// Source: SNS API reference, Publish (query protocol); developer guide, "Message filtering".
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { SNSEvent, SNSMessageAttributes } from "aws-lambda";
import { AwsError, type Service, xmlHeaders } from "./wire.ts";

/** Exact values by attribute name; a message passes when each has one of them. */
export type FilterPolicy = Readonly<Record<string, readonly string[]>>;

export interface Subscription {
  readonly topicArn: string;
  readonly filterPolicy?: FilterPolicy;
  /** Which body of a message with several it gets; functions are the ones that can be run here. */
  readonly protocol?: string;
  deliver(event: SNSEvent): Promise<void>;
}

export interface Published {
  readonly topicArn: string;
  readonly subject: string;
  /** What a protocol without a body of its own gets: mail. */
  readonly message: string;
  /** By protocol; empty where all get the same. */
  readonly bodies: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Sns {
  readonly service: Service;
  createTopic(name: string): string;
  subscribe(subscription: Subscription): void;
  readonly published: readonly Published[];
  /** Deliveries that failed to the end. */
  readonly undelivered: readonly { readonly topicArn: string; readonly error: unknown }[];
}

const MESSAGE_BYTES_MAX = 262_144;
const SUBJECT_LENGTH_MAX = 99;
const DELIVERIES_MAX = 3;
const DELIVERY_PAUSE_MS = 50;

export function createSns(): Sns {
  const topics = new Set<string>();
  const subscriptions: Subscription[] = [];
  const published: Published[] = [];
  const undelivered: { topicArn: string; error: unknown }[] = [];

  async function deliver(subscription: Subscription, event: SNSEvent): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await subscription.deliver(event);
      } catch (error) {
        if (tries < DELIVERIES_MAX) await sleep(DELIVERY_PAUSE_MS);
        else return void undelivered.push({ topicArn: subscription.topicArn, error });
      }
    }
  }

  function publish(form: URLSearchParams): string {
    const message = checkedMessage(form);
    if (!topics.has(message.topicArn)) throw new AwsError("NotFound", 404, "Topic does not exist");
    published.push(message);
    const id = randomUUID();
    for (const subscription of subscriptions) {
      if (subscription.topicArn !== message.topicArn || !passes(subscription.filterPolicy, message)) continue;
      const body = message.bodies[subscription.protocol ?? "lambda"] ?? message.message;
      void deliver(subscription, snsEvent(id, { ...message, message: body }));
    }
    return id;
  }

  return {
    published,
    undelivered,
    async service({ body, operation }) {
      if (operation !== "Publish") throw new AwsError("InvalidAction", 400, `no stand-in for ${operation}`);
      const id = publish(new URLSearchParams(body.toString()));
      const result = `<PublishResult><MessageId>${id}</MessageId></PublishResult>`;
      const metadata = `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`;
      const xmlns = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"';
      return { status: 200, headers: xmlHeaders, body: `<PublishResponse ${xmlns}>${result}${metadata}</PublishResponse>` };
    },
    createTopic(name) {
      const arn = `arn:aws:sns:us-east-1:123456789012:${name}`;
      topics.add(arn);
      return arn;
    },
    subscribe: (subscription) => void subscriptions.push(subscription),
  };
}

function checkedMessage(form: URLSearchParams): Published {
  const subject = form.get("Subject") ?? "";
  const message = form.get("Message") ?? "";
  const attributes: Record<string, string> = {};
  for (let place = 1; form.has(`MessageAttributes.entry.${place}.Name`); place++) {
    const entry = `MessageAttributes.entry.${place}`;
    const value = form.get(`${entry}.Value.StringValue`) ?? "";
    if (value === "") throw new AwsError("ParameterValueInvalid", 400, `attribute ${place} must contain a value`);
    attributes[form.get(`${entry}.Name`) ?? ""] = value;
  }
  const bytes = Buffer.byteLength(message + Object.entries(attributes).flat().join(""));
  if (bytes > MESSAGE_BYTES_MAX) throw new AwsError("InvalidParameter", 400, "Invalid parameter: Message too long");
  if (subject.length > SUBJECT_LENGTH_MAX || /[^\x20-\x7e]/.test(subject)) {
    throw new AwsError("InvalidParameter", 400, "Invalid parameter: Subject");
  }
  const bodies = form.get("MessageStructure") === "json" ? bodiesOf(message) : {};
  return { topicArn: form.get("TopicArn") ?? "", subject, message: bodies["default"] ?? message, bodies, attributes };
}

/** Values that are no strings, and protocols that SNS does not know, are left out. */
function bodiesOf(message: string): Readonly<Record<string, string>> {
  const refused = (why: string) => new AwsError("InvalidParameter", 400, `Invalid parameter: Message Structure - ${why}`);
  let bodies: unknown;
  try {
    bodies = JSON.parse(message);
  } catch {
    throw refused("JSON message body failed to parse");
  }
  const strings = Object.entries(bodies ?? {}).filter(([name, body]) => protocols.has(name) && typeof body === "string");
  if (!strings.some(([name]) => name === "default")) throw refused("No default entry in JSON message body");
  return Object.fromEntries(strings);
}

const protocols = new Set("default email email-json http https lambda sqs sms application firehose".split(" "));

const passes = (policy: FilterPolicy = {}, { attributes }: Published): boolean =>
  Object.entries(policy).every(([name, values]) => values.includes(attributes[name] ?? ""));

function snsEvent(id: string, { topicArn, subject, message, attributes }: Published): SNSEvent {
  const attribute = ([name, Value]: [string, string]) => [name, { Type: "String", Value }] as const;
  const MessageAttributes: SNSMessageAttributes = Object.fromEntries(Object.entries(attributes).map(attribute));
  const Sns = {
    Type: "Notification",
    MessageId: id,
    TopicArn: topicArn,
    Subject: subject,
    Message: message,
    Timestamp: new Date().toISOString(),
    MessageAttributes,
    SignatureVersion: "1",
    Signature: "",
    SigningCertUrl: "",
    UnsubscribeUrl: "",
  };
  return { Records: [{ EventVersion: "1.0", EventSource: "aws:sns", EventSubscriptionArn: `${topicArn}:test`, Sns }] };
}
