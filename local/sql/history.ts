// What was asked with `tidemark sql`, newest last, in the user's own state folder.
// It holds questions and never answers; a history that cannot be kept costs a line on standard error and nothing else.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

export interface Asked {
  readonly at: string;
  readonly query: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The folder of the lake, or `athena`. */
  readonly lake: string;
}

/** About a year of a busy person's questions; the file stays below a megabyte. */
const ENTRIES_MAX = 1_000;

/** Source: XDG Base Directory Specification, XDG_STATE_HOME. */
const historyPath = (): string =>
  join(process.env["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "tidemark", "sql-history.ndjson");

export function readHistory(): readonly Asked[] {
  try {
    return readFileSync(historyPath(), "utf8")
      .split("\n")
      .flatMap((line) => parseEntry(line))
      .slice(-ENTRIES_MAX);
  } catch {
    return []; // There is none yet, or it is not ours to read.
  }
}

export function remember(asked: Asked): void {
  try {
    const entries = readHistory();
    mkdirSync(dirname(historyPath()), { recursive: true, mode: 0o700 });
    if (entries.length < ENTRIES_MAX) appendFileSync(historyPath(), `${JSON.stringify(asked)}\n`, { mode: 0o600 });
    else {
      // Half is kept, so that the file is written anew once in five hundred questions.
      const kept = [...entries.slice(ENTRIES_MAX / 2), asked];
      writeFileSync(historyPath(), kept.map((entry) => `${JSON.stringify(entry)}\n`).join(""), { mode: 0o600 });
    }
  } catch (error) {
    process.stderr.write(`tidemark: the question is not in the history: ${error instanceof Error ? error.message : error}\n`);
  }
}

function parseEntry(line: string): Asked[] {
  try {
    const { at, query, parameters, lake } = JSON.parse(line);
    return typeof at === "string" && typeof query === "string" && typeof parameters === "object" && typeof lake === "string"
      ? [{ at, query, parameters: parameters ?? {}, lake }]
      : [];
  } catch {
    return []; // A line cut by a full disk costs itself.
  }
}
