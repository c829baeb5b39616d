// What to do about a finding, in its card: the first recommendation with its setting, what it brings, how to try it and the way back.
// What is recommended, and in which order, is advice/advise.ts's. Settings may hold strangers' words: all text is clipped and escaped.
import { html } from "hono/html";
import type { Advice, Recommendation } from "../advice/advise.ts";
import { MEMORY_PRICES_AS_OF } from "../cost/memory-prices.ts";
import { formatBytes, formatDollars } from "../units.ts";
import { clipText, sentenceLengthMax } from "./text.ts";

/** More than the common ways to deploy a setting nobody needs in a card. */
const FORMS_MAX = 8;
/** The longest form is a pool in C. */
const FORM_LINES_MAX = 40;
const LINE_LENGTH_MAX = 400;
/** The next best, by name; what will be asked about, with the reason against it. */
const OTHERS_MAX = 4;
const NOT_ADVISED_MAX = 8;

export function adviceBlock(advice: Advice | null) {
  const [first, ...others] = advice?.recommendations ?? [];
  if (advice === null || first === undefined) return "";
  return html`<div class="advice">
<p><strong>First step:</strong> ${clipped(first.title)}. ${effectText(first)}</p>
${first.setting === "" ? "" : code(first.setting)}
${first.changes.length === 0 ? "" : html`<p><strong>Way back:</strong> ${clipped(first.rollback)}</p>`}
<details>
<summary>Why, how to try it, and other forms</summary>
${first.why.map((sentence) => html`<p>${clipped(sentence)}</p>`)}
${first.condition === null ? "" : html`<p><strong>Mind:</strong> ${clipped(first.condition)}.</p>`}
<p><strong>Risk:</strong> ${clipped(first.risk)}</p>
<p><strong>Speed:</strong> ${clipped(first.speed)}</p>
<p><strong>Canary:</strong> ${clipped(first.canary)}</p>
<p><strong>Before and after:</strong> query ${first.query}.</p>
${first.forms.slice(0, FORMS_MAX).map((form) => html`<h4>${clipped(form.name)}</h4>${code(form.text)}`)}
${others.length === 0 ? "" : html`<h4>Next best</h4><p>${others.slice(0, OTHERS_MAX).map(otherText).join("; ")}.</p>`}
${
  advice.notAdvised.length === 0
    ? ""
    : html`<h4>Not advised</h4>${advice.notAdvised
        .slice(0, NOT_ADVISED_MAX)
        .map(({ title, because }) => html`<p>${clipped(title)}: ${clipped(because)}.</p>`)}`
}
</details>
</div>`;
}

const clipped = (text: string): string => clipText(text, sentenceLengthMax);

function effectText({ effect, changes, why, bytesFleet, dollarsPerMonth: dollars }: Recommendation): string {
  if (effect === null && changes.length === 0) return clipped(why[0] ?? "");
  if (effect === null) return "What it brings cannot be told beforehand: measure it on one host.";
  const money =
    dollars === null
      ? ""
      : `, worth ${formatDollars(dollars.least)} to ${formatDollars(dollars.most)} a month on ${dollars.price.family}${dollars.price.isAssumed ? " (assumed)" : ""} once instances get smaller or fewer (list prices of ${MEMORY_PRICES_AS_OF})`;
  const inAll = bytesFleet === null || bytesFleet <= effect.likely ? "" : `, ${formatBytes(bytesFleet)} in all`;
  return `Expected: about ${formatBytes(effect.likely)} back in a process (${formatBytes(effect.least)} to ${formatBytes(effect.most)})${inAll}${money}.`;
}

const otherText = ({ title, effect }: Recommendation): string =>
  effect === null ? clipped(title) : `${clipped(title)} (about ${formatBytes(effect.likely)})`;

/** Line by line, because a line feed is the one control character that is meant. */
function code(text: string) {
  const lines = text.split("\n").slice(0, FORM_LINES_MAX);
  return html`<pre><code>${lines.map((line) => clipText(line, LINE_LENGTH_MAX)).join("\n")}</code></pre>`;
}
