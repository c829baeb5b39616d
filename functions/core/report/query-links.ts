// The queries behind a page: what each was asked, and the command that asks it again, so that every number can be checked.
// Asking them is the handlers'; a section of a page names its query by queryLink().
import { html } from "hono/html";
import type { QueryParameters } from "../../edges.ts";
import { formatUtc } from "../units.ts";
import { clipText } from "./text.ts";

/** A named query as it was asked. */
export interface QueryLink {
  readonly name: string;
  readonly parameters: QueryParameters;
}

/** More than this a page has from nobody; it stays small whatever it is given. */
const QUERIES_MAX = 40;
const VALUE_LENGTH_MAX = 200;

/** `tidemark sql NAME --param window_start=2026-11-23T10:00:00 ...`, to be pasted. The dates of partitions follow from the window. */
export function queryCommand({ name, parameters }: QueryLink): string {
  const given = Object.entries(parameters)
    .filter(([parameter]) => !/^dt_(first|last)$/.test(parameter))
    .map(([parameter, value]) => `--param ${parameter}=${quoted(valueText(parameter, value))}`);
  return ["tidemark sql", name, ...given].join(" ");
}

/** A link from a section to the query behind it; the first of that name, because those of earlier peaks follow it. */
export function queryLink(queries: readonly QueryLink[], name: string) {
  const index = queries.findIndex((query) => query.name === name);
  return index < 0 ? "" : html`<a class="query-link" href="#${queryId(index)}">query ${name}</a>`;
}

/** The appendix that those links lead to. */
export function queryAppendix(queries: readonly QueryLink[]) {
  if (queries.length === 0) return "";
  return html`<section aria-labelledby="queries-title">
<h2 id="queries-title">Queries behind the numbers <span class="count">${queries.length}</span></h2>
<p class="queries-note">Each as it was asked, to be asked again on a copy of the lake, or with --athena where the lake is.</p>
<ol class="queries">${queries
    .slice(0, QUERIES_MAX)
    .map(
      (query, index) =>
        html`<li id="${queryId(index)}" tabindex="-1"><strong>${query.name}</strong> <code>${queryCommand(query)}</code></li>`,
    )}</ol>
</section>`;
}

/** Style rules that a page with an appendix adds to its own. */
export const queryStyle = `
.queries-note{color:var(--muted);font-size:.875rem}
.queries{padding-left:22px;margin:8px 0 0;font-size:.875rem}
.queries li{margin:10px 0}
.queries li:target{outline:2px solid var(--link);outline-offset:4px;border-radius:3px}
.queries code{display:block;margin-top:4px;padding:8px 10px;background:var(--chip);border-radius:8px;font:.8125rem/1.45 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace}
.query-link{font-size:.875rem;white-space:nowrap}
`;

const queryId = (index: number) => `query-${index + 1}`;

/** Times as `tidemark sql` takes them: those are the numbers that are so large, in parameters that name a moment. */
function valueText(name: string, value: string | number): string {
  if (typeof value === "number" && /(_start|_end|_from|_to|_at)$/.test(name) && formatUtc(value) !== "unknown")
    return new Date(value).toISOString().replace(/(\.000)?Z$/, "");
  return clipText(String(value), VALUE_LENGTH_MAX);
}

/** For a POSIX shell; plain words as they are. */
const quoted = (text: string): string => (/^[\w.:,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
