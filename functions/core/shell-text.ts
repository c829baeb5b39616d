// Words for a shell to paste: plain ones as they are, others quoted so that no shell finds an order in them.
// What is pasted is its callers' business.

/** One word of a POSIX shell. Characters that a terminal would obey while it is pasted go in as `$'...'` escapes (POSIX 2024). */
export const shellText = (value: string): string => quoted(value, invisible);

/** The same for what goes through a chat, where a backtick ends what is code: it is escaped as well. */
export const chatShellText = (value: string): string => quoted(value, ending);

/** Cc, Cf and Cs of Unicode, and the line separators: what is not seen, or reorders what is. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
const ending = /[`\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;

function quoted(value: string, special: RegExp): string {
  if (/^[\w./:,=@%+-]+$/.test(value)) return value;
  if (!special.test(value)) return `'${value.replaceAll("'", `'\\''`)}'`;
  return `$'${value.replace(/[\\'`]|[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, escaped)}'`;
}

function escaped(character: string): string {
  if (character === "\\" || character === "'") return `\\${character}`;
  return Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
