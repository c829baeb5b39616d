// Names from strangers made harmless: bounded, without control characters, and well-formed.
// Which name is taken for what is service.ts's; escaping is done where names are shown.

/** OpenTelemetry sets no limit; no name that people use comes near this one. */
export const NAME_LENGTH_MAX = 255;

/** Null when nothing is left. Line and paragraph separators and marks of direction go as well: they turn a line of text around. */
export function clean(text: string | null | undefined, lengthMax = NAME_LENGTH_MAX): string | null {
  const cleaned = (text ?? "").replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "").trim();
  // A cut may leave half of a character beyond the basic plane.
  return cleaned === "" ? null : cleaned.slice(0, lengthMax).replace(/[\ud800-\udbff]$/, "") || null;
}
