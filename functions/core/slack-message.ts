// A message as Slack's incoming webhooks take it: its own blocks, or subject and text.
// Blocks and their limits are slack/blocks.ts's, posting is the handler's.
import { escapeMrkdwn, header, type SlackBlock, section } from "./slack/blocks.ts";

export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

/** Text from strangers must not become mentions, links or formatting: it goes in as plain text, or escaped in the fallback. */
export const slackMessage = (subject: string, text: string): SlackMessage => ({
  text: escapeMrkdwn(subject),
  blocks: [header(subject), section(text)],
});
