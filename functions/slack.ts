// Subscribed to the topics: posts each message to Slack's incoming webhook, with patience as far as its time goes.
// What a message says is core/messages.ts's; what an answer means is core/slack/delivery.ts's.
import middy from "@middy/core";
import type { SNSEvent } from "aws-lambda";
import { nextStep, PACE_MS, type PostOutcome } from "./core/slack/delivery.ts";
import { type PlainSlackMessage, plainSlackMessage, readFunctionBody, slackMessage } from "./core/slack-message.ts";
import type { Log } from "./edges.ts";

export interface SlackEdge {
  /** Posts JSON. */
  post(body: string): Promise<PostOutcome>;
  sleep(ms: number): Promise<void>;
  nowMs(): number;
  /** Of this invocation. */
  remainingMs(): number;
  readonly log: Log;
}

/** Messages that are known to have been posted; each is 36 characters. */
const POSTED_MAX = 1_000;

/**
 * Rejects unless Slack has all of them, so that Lambda tries again after one and two minutes and then keeps the event as a dead
 * letter. Those that Slack has are remembered by SNS's id as long as this process lives, and a repeated event does not say them
 * again; where the process is another one, or the answer was lost on its way, the channel may see one twice: webhooks know no
 * idempotency key, and twice is better than never.
 */
export function createSlackHandler(edge: SlackEdge) {
  const posted = new Set<string>();
  let lastPostMs = Number.NEGATIVE_INFINITY;

  async function post(message: PlainSlackMessage): Promise<PostOutcome> {
    const waitMs = lastPostMs + PACE_MS - edge.nowMs();
    if (waitMs > 0) await edge.sleep(Math.min(waitMs, PACE_MS));
    lastPostMs = edge.nowMs();
    return edge.post(JSON.stringify(message));
  }

  async function deliver(subject: string, message: string, spread: number): Promise<void> {
    const { text, blocks } = readFunctionBody(message);
    let isPlain = false;
    for (;;) {
      const outcome = await post(isPlain ? plainSlackMessage(subject, text) : slackMessage(subject, text, blocks));
      const next = nextStep({ outcome, isPlain, remainingMs: edge.remainingMs(), spread });
      if (next.kind === "done") return;
      if (next.kind === "give up") throw new Error(`the message ${JSON.stringify(subject)} is not in Slack: ${next.because}`);
      if (next.kind === "wait") await edge.sleep(next.waitMs);
      else {
        isPlain = true;
        edge.log.warn("Slack refuses the blocks of a message, so its words go alone", { subject, outcome });
      }
    }
  }

  return middy(async (event: SNSEvent): Promise<void> => {
    for (const { Sns } of event.Records) {
      if (posted.has(Sns.MessageId)) continue;
      await deliver(Sns.Subject ?? "Tidemark", Sns.Message, spreadOf(Sns.MessageId));
      if (posted.size >= POSTED_MAX) posted.clear();
      posted.add(Sns.MessageId);
    }
  });
}

/** 0 to 1 from the last digits of an id (a UUID), so that it needs no dice. */
const spreadOf = (messageId: string): number => (Number.parseInt(messageId.slice(-4), 16) || 0) / 0xffff;
