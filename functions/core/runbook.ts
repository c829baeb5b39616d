// Where docs/runbook.md says what to do: the address of a heading in the copy that a team reads, or the heading's name.
// Which cause has which heading is causes.ts's.

export interface RunbookPlace {
  /** For a line of text. */
  readonly text: string;
  /** Null where nobody said at which address the runbook is read. */
  readonly url: string | null;
}

/** `runbookUrl` is where the runbook is read: an address, or else a path that people know how to find. */
export function runbookPlace(heading: string, runbookUrl: string): RunbookPlace {
  const base = URL.parse(runbookUrl);
  if (base === null || (base.protocol !== "https:" && base.protocol !== "http:"))
    return { text: `${runbookUrl}, "${heading}".`, url: null };
  base.hash = anchorOf(heading);
  return { text: base.href, url: base.href };
}

/** As GitHub, GitLab and most renderers of Markdown make it: lower case, hyphens for spaces, no punctuation. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
