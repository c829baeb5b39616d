// SQS queues with visibility, receive counts and a dead-letter queue.
// Source: SQS API reference (JSON protocol). FIFO queues, deduplication and message attributes are not here.
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsError, type Json, jsonService, numberField, type Service, textField } from "./wire.ts";

export interface QueueOptions {
  readonly name: string;
  readonly visibilityMs?: number;
  readonly deadLetters?: { readonly queue: string; readonly receivesMax: number };
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly sentAtMs: number;
  visibleAtMs: number;
  receives: number;
  receipt: string;
}

export interface Sqs {
  readonly service: Service;
  createQueue(options: QueueOptions): void;
  send(queue: string, body: string): void;
  /** From now on messages come in the order of these numbers, 0 to 1; null for the order in which they were sent. */
  reorder(random: (() => number) | null): void;
  /** Sends all of a dead-letter queue back to where they came from, as StartMessageMoveTask does; how many there were. */
  redrive(deadLetters: string): number;
  /** Bodies that wait or are in flight. */
  bodies(queue: string): readonly string[];
}

const VISIBILITY_MS = 30_000;
const POLL_MS = 20;

export function createSqs(urlOf: (queue: string) => string): Sqs {
  const queues = new Map<string, QueueOptions & { messages: Message[] }>();
  let order: (() => number) | null = null;
  const named = (name: string) => {
    const queue = queues.get(name);
    if (queue === undefined) throw new AwsError("QueueDoesNotExist", 400, `The specified queue does not exist: ${name}`);
    return queue;
  };
  const queueOf = (input: Json) => named(textField(input, "QueueUrl").split("/").at(-1) ?? "");

  function send(name: string, body: string): Message {
    const now = Date.now();
    const message = { id: randomUUID(), body, sentAtMs: now, visibleAtMs: now, receives: 0, receipt: "" };
    named(name).messages.push(message);
    return message;
  }

  function take(queue: QueueOptions & { messages: Message[] }, limit: number, visibilityMs: number): readonly Message[] {
    const now = Date.now();
    const { deadLetters } = queue;
    const dead = queue.messages.filter(
      ({ visibleAtMs, receives }) => deadLetters && visibleAtMs <= now && receives >= deadLetters.receivesMax,
    );
    for (const message of dead) send(deadLetters?.queue ?? "", message.body);
    queue.messages = queue.messages.filter((message) => !dead.includes(message));
    const visible = queue.messages.filter(({ visibleAtMs }) => visibleAtMs <= now);
    const taken = inOrder(visible, order).slice(0, limit);
    for (const message of taken) {
      message.receives++;
      message.visibleAtMs = now + visibilityMs;
      message.receipt = randomUUID();
    }
    return taken;
  }

  async function receive(input: Json): Promise<object> {
    const queue = queueOf(input);
    const visibilityMs = numberField(input, "VisibilityTimeout", (queue.visibilityMs ?? VISIBILITY_MS) / 1_000) * 1_000;
    const endMs = Date.now() + numberField(input, "WaitTimeSeconds", 0) * 1_000;
    for (;;) {
      const taken = take(queue, numberField(input, "MaxNumberOfMessages", 1), visibilityMs);
      if (taken.length > 0) return { Messages: taken.map(described) };
      if (Date.now() >= endMs) return {};
      await sleep(POLL_MS);
    }
  }

  return {
    service: jsonService({
      CreateQueue(input) {
        const name = textField(input, "QueueName");
        if (!queues.has(name)) queues.set(name, { name, messages: [] });
        return { QueueUrl: urlOf(name) };
      },
      GetQueueUrl: (input) => ({ QueueUrl: urlOf(named(textField(input, "QueueName")).name) }),
      SendMessage(input) {
        const { id, body } = send(queueOf(input).name, textField(input, "MessageBody"));
        return { MessageId: id, MD5OfMessageBody: md5(body) };
      },
      ReceiveMessage: receive,
      DeleteMessage(input) {
        const queue = queueOf(input);
        queue.messages = queue.messages.filter(({ receipt }) => receipt !== input["ReceiptHandle"]);
        return {};
      },
      ChangeMessageVisibility(input) {
        const message = queueOf(input).messages.find(({ receipt }) => receipt === input["ReceiptHandle"]);
        if (message === undefined) throw new AwsError("MessageNotInflight", 400, "the receipt is unknown");
        message.visibleAtMs = Date.now() + numberField(input, "VisibilityTimeout", 0) * 1_000;
        return {};
      },
    }),
    createQueue: (options) => void queues.set(options.name, { ...options, messages: [] }),
    send: (queue, body) => void send(queue, body),
    reorder(random) {
      order = random;
    },
    redrive(deadLetters) {
      const [source] = [...queues.values()].filter((queue) => queue.deadLetters?.queue === deadLetters);
      if (source === undefined) throw new Error(`${deadLetters} is nobody's dead-letter queue`);
      const from = named(deadLetters);
      const moved = from.messages;
      from.messages = [];
      for (const { body } of moved) send(source.name, body);
      return moved.length;
    },
    bodies: (queue) => named(queue).messages.map(({ body }) => body),
  };
}

const inOrder = (messages: readonly Message[], random: (() => number) | null): readonly Message[] =>
  random === null
    ? messages
    : messages
        .map((message) => ({ message, place: random() }))
        .sort((one, other) => one.place - other.place)
        .map(({ message }) => message);

const described = ({ id, receipt, body, receives, sentAtMs }: Message) => ({
  MessageId: id,
  ReceiptHandle: receipt,
  Body: body,
  MD5OfBody: md5(body),
  Attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(sentAtMs) },
});

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
