// A message as Amazon Q Developer in chat applications understands it: it drops whatever is not in this schema, text included.
// Source: its administrator guide, "Custom notifications". It subscribes by https, as others may: to them it is JSON with a title.
import type { Message } from "../edges.ts";
import { clip, escapedWithin } from "./slack/blocks.ts";

/** In UTF-16 units; the guide allows 250 and 8,000, and nobody reads the latter in a chat. */
const TITLE_LENGTH_MAX = 250;
const DESCRIPTION_LENGTH_MAX = 4_000;

export const chatNotification = ({ subject, text, attributes }: Message): string =>
  JSON.stringify({
    version: "1.0",
    source: "custom",
    content: {
      textType: "client-markdown",
      title: escapedWithin(subject, TITLE_LENGTH_MAX),
      description: escapedWithin(text, DESCRIPTION_LENGTH_MAX),
    },
    metadata: { summary: clip(subject, TITLE_LENGTH_MAX), additionalContext: attributes },
  });
