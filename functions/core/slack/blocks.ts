// Slack's blocks, made so that Slack takes them: whatever is put in is escaped and cut to its limits here.
// Source: Slack's Block Kit reference. Posting them is the Slack function's.

export type SlackBlock = Readonly<Record<string, unknown>> & { readonly type: string };

/** In UTF-16 units, as Slack counts. */
const HEADER_LENGTH_MAX = 150;
const SECTION_LENGTH_MAX = 3_000;
const FIELD_LENGTH_MAX = 2_000;
const FIELDS_MAX = 10;
const CONTEXT_ELEMENTS_MAX = 10;
const BUTTON_LENGTH_MAX = 75;
const URL_LENGTH_MAX = 3_000;
/** Of one message. */
export const BLOCKS_MAX = 50;

export const header = (text: string): SlackBlock => ({ type: "header", text: plain(text, HEADER_LENGTH_MAX) });
/** Text as it is: nothing in it becomes a mention, a link or formatting. */
export const section = (text: string): SlackBlock => ({ type: "section", text: plain(text, SECTION_LENGTH_MAX) });
/** Up to ten pairs in two columns; more are left out, so put first what matters. */
export const fields = (pairs: readonly (readonly [name: string, value: string])[]): SlackBlock => ({
  type: "section",
  fields: pairs.slice(0, FIELDS_MAX).map(([name, value]) => plain(`${name}\n${value}`, FIELD_LENGTH_MAX)),
});
/** A line of code, or a few. A backtick would end it; a quote in its place could begin an order in what is pasted, so it is an accent. */
export const code = (text: string): SlackBlock => ({
  type: "section",
  text: {
    type: "mrkdwn",
    verbatim: true,
    text: `\`\`\`${escapedWithin(text.replaceAll("`", "\u02cb"), SECTION_LENGTH_MAX - 6)}\`\`\``,
  },
});
/** Small print. */
export const context = (texts: readonly string[]): SlackBlock => ({
  type: "context",
  elements: texts.slice(0, CONTEXT_ELEMENTS_MAX).map((text) => plain(text, FIELD_LENGTH_MAX)),
});
export const divider = (): SlackBlock => ({ type: "divider" });
/** A button that opens a page; null where the address is none that Slack takes. */
export const link = (text: string, url: string): SlackBlock | null =>
  url.length > URL_LENGTH_MAX || !/^https?:\/\//.test(url)
    ? null
    : { type: "actions", elements: [{ type: "button", text: plain(text, BUTTON_LENGTH_MAX), url }] };

const plain = (text: string, lengthMax: number) => ({
  type: "plain_text",
  emoji: false,
  // Slack refuses empty texts, and with them the message.
  text: clip(text.trim() === "" ? "-" : text, lengthMax),
});

export const escapeMrkdwn = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Escaped text of at most so many units, never empty. Escapes lengthen: what is cut is cut before, so that none is cut in half. */
export function escapedWithin(text: string, lengthMax: number): string {
  const shown = text.trim() === "" ? "-" : text;
  let escaped = escapeMrkdwn(clip(shown, lengthMax));
  for (let length = lengthMax; escaped.length > lengthMax; ) {
    length = Math.floor(length * 0.75);
    escaped = escapeMrkdwn(clip(shown, length));
  }
  return escaped;
}

/** Cuts at a limit counted in UTF-16 units, as Slack does, but never within a character. */
export function clip(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax - 1).replace(/[\ud800-\udbff]$/, "")}\u2026`;
}
