// The services with an open finding: the most pressing as cards with cause, evidence and next step, the others as lines.
// What is recommended is advice/advise.ts's. Settings and evidence may hold strangers' words: all text is clipped and escaped.
import { html } from "hono/html";
import type { Recommendation } from "../advice/advise.ts";
import { firstStepOf } from "../advice/first-step.ts";
import { causeText, severityShape, severityWord } from "../causes.ts";
import { whereText } from "../finding-text.ts";
import { clipName, clipText, sentenceLengthMax, tooltipLengthMax } from "../report/text.ts";
import { formatBytes, formatCount, formatUtc } from "../units.ts";
import { numberLink } from "./appendix.ts";
import type { TopFinding, WeeklyModel } from "./model.ts";
import { isNotice } from "./services.ts";
import { causeName, dollarsText, whoOf } from "./words.ts";

/** As many as are read within two minutes; the others are lines, and beyond these there is the query. */
const CARDS_MAX = 6;
const LINES_MAX = 30;
/** Forms to paste in a card: the first are the commonest. With these limits a card is below 60 KB whatever is in it. */
const FORMS_MAX = 5;
const FORM_LINES_MAX = 12;
const FORM_LINE_LENGTH_MAX = 160;
const STEP_LENGTH_MAX = 300;

export function findingsSection({ findings }: WeeklyModel) {
  if (findings.length === 0) return "";
  const pressing = findings.filter(({ finding }) => !isNotice(finding));
  const cards = pressing.slice(0, CARDS_MAX);
  const others = [...pressing.slice(CARDS_MAX), ...findings.filter(({ finding }) => isNotice(finding))];
  return html`<section id="findings" aria-labelledby="findings-title">
<h2 id="findings-title">What to do first <span class="count">${numberLink("recent_findings", formatCount(findings.length))} open</span></h2>
<div class="grid">${cards.map(card)}</div>
${others.length === 0 ? "" : lines(others)}
</section>`;
}

function card({ finding, advice, worth }: TopFinding) {
  const { severity, means, cure } = causeText(finding.cause);
  const [first] = advice.recommendations;
  return html`<article class="card finding sev-${severity}">
<header>
<p class="badge"><span class="shape" aria-hidden="true">${severityShape[severity]}</span> ${severityWord[severity]}</p>
<h3 title="${clipText(finding.service, tooltipLengthMax)}"><bdi>${whoOf(finding)}</bdi></h3>
<p class="cause">${clipName(causeName(finding))}</p>
</header>
<dl class="figures">
${amount(finding.excess_bytes ?? null, worth === null ? "Grown by" : "Held")}
${worth === null ? "" : html`<div class="figure-main"><dt>Worth, a month</dt><dd>${ofWorst(dollarsText(worth))}</dd></div>`}
<div class="figure-row"><dt>Since</dt><dd>${formatUtc(finding.since)}</dd></div>
<div class="figure-row"><dt>Where</dt><dd>${numberLink("recent_findings", whereText(finding))}</dd></div>
</dl>
<p class="means">${means}</p>
<p class="evidence"><strong>${numberLink("recent_findings", "Evidence")}:</strong> <bdi>${clipText(finding.evidence, sentenceLengthMax)}</bdi></p>
${first === undefined ? html`<p><strong>Where to look:</strong> ${cure}</p>` : nextStep(first)}
${finding.muted ? html`<p class="muted">Muted: <bdi>${clipText(finding.muted, STEP_LENGTH_MAX)}</bdi></p>` : ""}
</article>`;
}

/** Of the process that is worst off: its figures decide on the advice, and its instance type on the price. */
const ofWorst = (number: string) => numberLink("weekly_worst_processes", number);

const amount = (bytes: number | null, term: string) =>
  bytes === null
    ? ""
    : html`<div class="figure-main"><dt>${term}</dt><dd>${numberLink("recent_findings", formatBytes(bytes))}</dd></div>`;

function nextStep(first: Recommendation) {
  const { title, setting, effect, why, condition, risk, canary, rollback, forms, bytesFleet } = first;
  const expected =
    effect === null
      ? ""
      : html` Expected: about ${ofWorst(formatBytes(effect.likely))} back in a process${bytesFleet !== null && bytesFleet > effect.likely ? html`, ${ofWorst(formatBytes(bytesFleet))} in all` : ""}.`;
  const sentence = (text: string) => clipText(text, sentenceLengthMax);
  return html`<div class="step">
<p><strong>Next step:</strong> ${clipText(title, STEP_LENGTH_MAX)}.${expected}</p>
${setting === "" ? "" : code(setting)}
<details>
<summary>Why, risk, canary, way back${forms.length === 0 ? "" : ", forms to paste"}</summary>
${why.map((line) => html`<p>${sentence(line)}</p>`)}
${condition === null ? "" : html`<p><strong>Mind:</strong> ${sentence(condition)}.</p>`}
<p><strong>Risk:</strong> ${sentence(risk)}</p>
<p><strong>Canary:</strong> ${sentence(canary)}</p>
${first.changes.length === 0 ? "" : html`<p><strong>Way back:</strong> ${sentence(rollback)}</p>`}
${forms.slice(0, FORMS_MAX).map((form) => html`<h4>${clipText(form.name, STEP_LENGTH_MAX)}</h4>${code(form.text)}`)}
</details>
</div>`;
}

/** Line by line, because a line feed is the one control character that is meant. */
function code(text: string) {
  const lines = text.split("\n").slice(0, FORM_LINES_MAX);
  return html`<pre><code>${lines.map((line) => clipText(line, FORM_LINE_LENGTH_MAX)).join("\n")}</code></pre>`;
}

function lines(others: readonly TopFinding[]) {
  const left = others.length - LINES_MAX;
  return html`<div class="card wide others"><table class="list">
<thead><tr><th>Service</th><th class="left">Cause</th><th>Amount</th><th class="desk">Worth, a month</th><th class="left desk">Next step</th></tr></thead>
<tbody>${others.slice(0, LINES_MAX).map(({ finding, advice, worth }) => {
    const step = firstStepOf(advice);
    return html`<tr><th><bdi>${whoOf(finding)}</bdi></th><td class="left">${clipName(causeName(finding))}</td><td>${
      finding.excess_bytes == null ? "" : numberLink("recent_findings", formatBytes(finding.excess_bytes))
    }</td><td class="desk">${worth === null ? "" : ofWorst(dollarsText(worth))}</td><td class="left desk">${
      step === null ? "" : clipText(step, STEP_LENGTH_MAX)
    }</td></tr>`;
  })}</tbody>
</table>${left <= 0 ? "" : html`<p class="rest">${numberLink("recent_findings", formatCount(left))} more in the query.</p>`}</div>`;
}
