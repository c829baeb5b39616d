// The appendix of the weekly page: every query behind its numbers, as it was asked, with its text and the command that asks it again.
// Numbers link here by numberLink(); which queries there are is the handler's.
import { html } from "hono/html";
import { queryCommand } from "../report/query-links.ts";
import { clipText, sentenceLengthMax } from "../report/text.ts";
import type { ShownQuery } from "./model.ts";

/** The longest of ours has 9,000 characters; a page of a megabyte has room for twenty of these. */
const SQL_LENGTH_MAX = 12_000;
const QUERIES_MAX = 20;

/** A number that leads to its query. */
export const numberLink = (query: string, number: string) =>
  html`<a class="n" href="#q-${query}" title="query ${query}">${number}</a>`;

export function appendix(queries: readonly ShownQuery[]) {
  if (queries.length === 0) return "";
  return html`<section aria-labelledby="queries-title">
<h2 id="queries-title">Queries behind the numbers <span class="count">${queries.length}</span></h2>
<div class="card wide">
<p class="meta">Every number of this page is of one of these. Ask it again with the command, and with --athena where the lake is in S3.</p>
${queries.slice(0, QUERIES_MAX).map(query)}
</div>
</section>`;
}

const query = (shown: ShownQuery) => html`<section class="query" id="q-${shown.name}" tabindex="-1">
<h3>${shown.name}</h3>
<p class="meta">${clipText(shown.summary, sentenceLengthMax)}</p>
<pre><code>${queryCommand(shown)}</code></pre>
<details>
<summary>Its text, on Athena and DuckDB alike</summary>
<pre><code>${sqlText(shown.sql)}</code></pre>
</details>
</section>`;

/** Our own text, so that only its length is bounded. */
const sqlText = (sql: string): string =>
  sql.length <= SQL_LENGTH_MAX ? sql : `${sql.slice(0, SQL_LENGTH_MAX)}\n-- and so on, in queries/`;
