// A message on its way to Slack: the body that SNS hands to functions, and the message that incoming webhooks take.
// Blocks are slack/blocks.ts's and their sum slack/fit.ts's; posting is the handler's.
import { escapedWithin, header, type SlackBlock, section } from "./slack/blocks.ts";
import { fitBlocks } from "./slack/fit.ts";

export interface PlainSlackMessage {
  /** With blocks only a phone's notification shows it. */
  readonly text: string;
}

export interface SlackMessage extends PlainSlackMessage {
  readonly blocks: readonly SlackBlock[];
}

/** What subscribers by the lambda protocol get: the words of the mail, and the blocks where there are some. */
export interface FunctionBody {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

/** Slack cuts longer texts by itself from 40,000 on; 4,000 is what it recommends, and what one reads. */
const TEXT_LENGTH_MAX = 4_000;
/** Subjects are shorter; what anybody else publishes may not be. */
const SUBJECT_LENGTH_MAX = 300;

/** Text from strangers must not become mentions, links or formatting: it goes in as plain text, or escaped in the fallback. */
export const slackMessage = (subject: string, text: string, blocks: readonly SlackBlock[] = []): SlackMessage => ({
  text: escapedWithin(subject, SUBJECT_LENGTH_MAX),
  blocks: fitBlocks(blocks.length > 0 ? blocks : [header(subject), section(text)]),
});

/** When Slack refuses the blocks, words alone still arrive. */
export const plainSlackMessage = (subject: string, text: string): PlainSlackMessage => ({
  text: escapedWithin(`${subject}\n\n${text}`, TEXT_LENGTH_MAX),
});

/** Whatever was published by hand, or by a version before, is text. */
export function readFunctionBody(message: string): FunctionBody {
  const body = parsed(message);
  const isOurs = typeof body?.["text"] === "string" && Array.isArray(body["blocks"]) && body["blocks"].every(isBlock);
  return isOurs ? (body as unknown as FunctionBody) : { text: message, blocks: [] };
}

function parsed(message: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const isBlock = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
