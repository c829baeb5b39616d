// Subjects of mails: one line of printable ASCII below 100 characters, in which the cause survives whatever the name before it is.
// What a subject says is messages.ts's.

/** SNS takes subjects below 100 characters of printable ASCII that do not begin with a space. */
export const SUBJECT_LENGTH_MAX = 99;
/** Cutting first bounds the work: a name is at most a few characters for each one shown. */
const READ_LENGTH_MAX = 1_000;
const CUT = "...";

/** Letters that have no base letter below their accents (Unicode, NFKD), and the punctuation that people write. */
const spelled: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  Æ: "AE",
  œ: "oe",
  Œ: "OE",
  ø: "o",
  Ø: "O",
  đ: "d",
  Đ: "D",
  ð: "d",
  Ð: "D",
  þ: "th",
  Þ: "Th",
  ł: "l",
  Ł: "L",
  ı: "i",
  "\u2018": "'",
  "\u2019": "'",
  "\u201c": '"',
  "\u201d": '"',
  "\u2010": "-",
  "\u2011": "-",
  "\u2013": "-",
  "\u2014": "-",
  "\u2026": "...",
};

/** Accents go, what has a usual spelling gets it, and everything else (line ends as well) shows as one `?` each. */
export const asciiText = (text: string): string =>
  Array.from(text.slice(0, READ_LENGTH_MAX).normalize("NFKD").replace(/\p{M}/gu, ""), (character) =>
    /[\x20-\x7e]/.test(character) ? character : (spelled[character] ?? "?"),
  ).join("");

/** `before`, as much of the name as there is room for, then `after`: of the three only the name is cut. */
export function subjectAround(before: string, name: string, after: string): string {
  const [head, tail] = [asciiText(before), asciiText(after)];
  const room = Math.max(0, SUBJECT_LENGTH_MAX - head.length - tail.length);
  return asciiCut(head + asciiCut(asciiText(name).trim() || "(no name)", room) + tail, SUBJECT_LENGTH_MAX);
}

export const subjectLine = (text: string): string => asciiCut(asciiText(text), SUBJECT_LENGTH_MAX);

export const asciiCut = (text: string, lengthMax: number): string =>
  text.length <= lengthMax ? text : `${text.slice(0, Math.max(0, lengthMax - CUT.length))}${CUT}`.slice(0, lengthMax);
