// What Slack refuses in a message to an incoming webhook, and the word it has for it. Written from Slack's reference alone,
// so that functions/core/slack/ is held to something other than itself.

/** Source: Block Kit reference; lengths are UTF-16 units. */
const BLOCKS_MAX = 50;
const TEXTS_LENGTH_MAX = 12_000;
const TEXT_LENGTH_MAX = 40_000;

type Fields = Readonly<Record<string, unknown>>;

/** Null when Slack takes it. */
export function refusalOf(body: string): string | null {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return "invalid_payload";
  }
  if (!isFields(message)) return "invalid_payload";
  const { text, blocks } = message;
  if (Object.keys(message).some((name) => name !== "text" && name !== "blocks")) return "invalid_payload";
  if (text !== undefined && typeof text !== "string") return "invalid_payload";
  // With blocks the text is a fallback; ours always has one, because phones show it.
  if (text === undefined || text.trim() === "") return "no_text";
  if (text.length > TEXT_LENGTH_MAX) return "msg_too_long";
  if (blocks === undefined) return null;
  if (!Array.isArray(blocks) || blocks.length === 0 || blocks.length > BLOCKS_MAX) return "invalid_blocks";
  if (!blocks.every((block) => isFields(block) && isBlock(block))) return "invalid_blocks";
  return textLength(blocks) > TEXTS_LENGTH_MAX ? "msg_blocks_too_long" : null;
}

function isBlock(block: Fields): boolean {
  switch (block["type"]) {
    case "header":
      return has(block, ["type", "text"]) && isText(block["text"], 150, ["plain_text"]);
    case "section": {
      const { text, fields } = block;
      if (!has(block, ["type", "text", "fields"]) || (text === undefined && fields === undefined)) return false;
      if (text !== undefined && !isText(text, 3_000)) return false;
      return fields === undefined || isList(fields, 10, (field) => isText(field, 2_000));
    }
    case "context":
      return has(block, ["type", "elements"]) && isList(block["elements"], 10, (element) => isText(element, 2_000));
    case "divider":
      return has(block, ["type"]);
    case "actions":
      return has(block, ["type", "elements"]) && isList(block["elements"], 25, isLinkButton);
    default:
      return false;
  }
}

function isLinkButton(button: unknown): boolean {
  if (!isFields(button) || !has(button, ["type", "text", "url", "style"]) || button["type"] !== "button") return false;
  const { url } = button;
  return isText(button["text"], 75, ["plain_text"]) && typeof url === "string" && url.length <= 3_000 && URL.canParse(url);
}

/** `verbatim` is of mrkdwn and `emoji` of plain_text; the other way round the block is invalid. */
function isText(value: unknown, lengthMax: number, types = ["plain_text", "mrkdwn"]): boolean {
  if (!isFields(value) || typeof value["type"] !== "string" || !types.includes(value["type"])) return false;
  const allowed = ["type", "text", value["type"] === "mrkdwn" ? "verbatim" : "emoji"];
  const { text } = value;
  return has(value, allowed) && typeof text === "string" && text.length > 0 && text.length <= lengthMax;
}

const isList = (value: unknown, countMax: number, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.length <= countMax && value.every(isOne);
const has = (value: Fields, names: readonly string[]): boolean => Object.keys(value).every((name) => names.includes(name));
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

function textLength(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = "text" in value && typeof value.text === "string" ? value.text.length : 0;
  return Object.values(value).reduce((sum: number, part) => sum + textLength(part), own);
}
