// Makes strings that others chose (names, titles, evidence) safe to look at: visible, and of bounded length.
// It leaves escaping to hono/html, which escapes every value put into a template.

/** Longest name shown in a heading or a sentence; the whole of it stays in the element's title. */
export const nameLengthMax = 80;
/** Longest sentence shown. Evidence is one sentence; more than this is not one we wrote. */
export const sentenceLengthMax = 1_000;
/** Longest tooltip. Beyond it a name is an accident or an attack, and the page must stay small. */
export const tooltipLengthMax = 1_000;

/**
 * The string with everything invisible made visible as its code point: control characters, bidi overrides and
 * isolates, zero-width characters, lone surrogates. Such characters let one name pass for another.
 */
export function visibleText(text: string): string {
  return text.replace(invisible, (character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    return `\u2039U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}\u203a`;
  });
}

/** Visible text of at most so many characters, cut between characters and marked with an ellipsis. */
export function clipText(text: string, lengthMax: number): string {
  // Cutting first bounds the work for a huge string; a character is at most two code units here.
  const head = text.slice(0, lengthMax * 2 + 2);
  const characters = Array.from(visibleText(head));
  if (characters.length <= lengthMax && head.length === text.length) return characters.join("");
  return `${characters
    .slice(0, lengthMax - 1)
    .join("")
    .trimEnd()}\u2026`;
}

/** A name, which is never empty to the eye. */
export function clipName(name: string, lengthMax: number = nameLengthMax): string {
  return clipText(name.trim() === "" ? "(no name)" : name, lengthMax);
}

/** Names as people list them: `a, b and c`; beyond the limit `a, b and 3 more`. */
export function listNames(names: readonly string[], countMax: number): string {
  const shown = names.length > countMax ? names.slice(0, countMax) : names;
  const left = names.length - shown.length;
  const parts = left > 0 ? [...shown, `${left} more`] : shown;
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}

/** Cc, Cf and Cs of Unicode (control, format, surrogate), line and paragraph separators; plain spaces are not among them. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
