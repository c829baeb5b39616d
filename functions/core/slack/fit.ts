// A message as Slack takes it whole: so many blocks, so much text in all; what does not fit is left out from the end, and said.
// Limits of single blocks are blocks.ts's.
import { BLOCKS_MAX, context, type SlackBlock } from "./blocks.ts";

/**
 * Slack refuses messages of more as msg_blocks_too_long. The limit is not in its reference: 13,297 characters were measured
 * (slackapi/bolt-js#2509), and a refusal at 11,341 (#2867).
 */
export const TEXTS_LENGTH_MAX = 10_000;

export function fitBlocks(blocks: readonly SlackBlock[]): readonly SlackBlock[] {
  if (blocks.length <= BLOCKS_MAX && textLength(blocks) <= TEXTS_LENGTH_MAX) return blocks;
  const kept: SlackBlock[] = [];
  // Room for the note.
  let room = TEXTS_LENGTH_MAX - 100;
  for (const block of blocks.slice(0, BLOCKS_MAX - 1)) {
    room -= textLength(block);
    if (room < 0) break;
    kept.push(block);
  }
  return [...kept, context([`${blocks.length - kept.length} more parts are in the mail: Slack takes no more.`])];
}

/** Of all texts in it, in UTF-16 units. */
export function textLength(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [name, part]) => sum + (name === "text" && typeof part === "string" ? part.length : textLength(part)),
    0,
  );
}
