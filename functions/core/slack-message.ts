// A message as Slack's incoming webhooks take it. Source: Slack Block Kit reference (section text up to 3,000 characters).
// Posting it is the handler's.

const SECTION_LENGTH_MAX = 3_000;
const HEADER_LENGTH_MAX = 150;

export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly object[];
}

/** Text from strangers must not become mentions, links or formatting: it goes in as plain text, or escaped in the fallback. */
export function slackMessage(subject: string, text: string): SlackMessage {
  return {
    text: escapeMrkdwn(subject),
    blocks: [
      { type: "header", text: { type: "plain_text", emoji: false, text: clip(subject, HEADER_LENGTH_MAX) } },
      { type: "section", text: { type: "plain_text", emoji: false, text: clip(text, SECTION_LENGTH_MAX) } },
    ],
  };
}

const escapeMrkdwn = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Cuts at a limit counted in UTF-16 units, as Slack does, but never within a character. */
function clip(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax - 1).replace(/[\ud800-\udbff]$/, "")}\u2026`;
}
