// One message in the forms that SNS's protocols want, together within SNS's limit: text for mail, blocks for functions, JSON for chats.
// Source: SNS API reference, Publish (MessageStructure json): the whole object counts, and `default` is what all others get.
import type { Message } from "../edges.ts";
import { asciiCut, asciiText } from "./ascii-line.ts";
import { chatNotification } from "./chat-notification.ts";
import { clip } from "./slack/blocks.ts";
import { fitBlocks } from "./slack/fit.ts";

/** SNS counts the bodies together with the attributes' names, types and values; a few KiB are kept for those. */
export const BODIES_BYTES_MAX = 262_144 - 8_192;
/** Of the text a function gets as much as Slack would show without blocks. */
const FUNCTION_TEXT_LENGTH_MAX = 4_000;
/** A text message of a phone. */
const SMS_LENGTH_MAX = 140;

/** JSON text of at most BODIES_BYTES_MAX; what is too long is cut at its end, and says so. */
export function snsBodies(message: Message): string {
  const { subject, text, slack = [] } = message;
  const small = {
    sms: asciiCut(asciiText(subject), SMS_LENGTH_MAX),
    lambda: JSON.stringify({ text: clip(text, FUNCTION_TEXT_LENGTH_MAX), blocks: fitBlocks(slack) }),
    https: chatNotification(message),
  };
  let bytesMax = BODIES_BYTES_MAX;
  let bodies = JSON.stringify({ default: text, ...small });
  // JSON escapes what it must: by how much the text grows depends on what is in it.
  while (Buffer.byteLength(bodies) > BODIES_BYTES_MAX) {
    bytesMax = Math.floor(bytesMax * 0.75);
    bodies = JSON.stringify({ default: cutToBytes(text, bytesMax), ...small });
  }
  return bodies;
}

/** A message that is too long must still arrive: its end is cut, never within a character, and it says so. */
export function cutToBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  const note = `\n\n[cut: this message has ${bytes.length} bytes, too many for SNS]`;
  let end = Math.max(0, bytesMax - Buffer.byteLength(note));
  // Bytes 10xxxxxx continue a character of UTF-8.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString("utf8") + note;
}
