// The page of a matrix: verdict, table, drawings, settings and what was expected; one self-contained document.
// The words are text.ts's, the drawings chart.ts's.
import { html } from "hono/html";
import { renderPage } from "../../functions/core/report/frame.ts";
import { clipText, sentenceLengthMax } from "../../functions/core/report/text.ts";
import { formatUtc } from "../../functions/core/units.ts";
import { bars, inPage, timelines } from "./chart.ts";
import { verdictOf } from "./compare.ts";
import { expectationText, LEGEND, type Result, rowOf, settingText, tableHead, verdictSentences } from "./text.ts";

const style = `
.whatif .card{max-width:none;margin-bottom:16px;overflow-x:auto}
.whatif code{font:.8125rem/1.45 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace}
.whatif th{padding:4px 10px 4px 0;white-space:nowrap}
.whatif thead th{color:var(--muted);text-align:right}
.whatif thead th:first-child{text-align:left}
.whatif td{padding:4px 0 4px 14px}
.whatif tbody tr{border-top:1px solid var(--line)}
.whatif .best th{color:var(--live);font-weight:650}
.whatif dt{font-weight:600;margin-top:10px}
.whatif dd{color:var(--muted);font-size:.9375rem}
`.replace(/\n/g, "");

/** Strangers' words, seen for what they are. */
const shown = (text: string): string => clipText(text, sentenceLengthMax);

export function whatifPage(result: Result, generatedAtMs: number): Promise<string> {
  const { base, others, command, load, leftOut } = result;
  const [verdict = "", ...settings] = verdictSentences(result);
  const { best } = verdictOf(base, others);
  const rows = [base, ...others].map((outcome) => {
    const [id = "", ...cells] = rowOf(outcome, base);
    return html`<tr class="${outcome === best ? "best" : ""}"><th scope="row">${id}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  });
  const expected = others.flatMap((outcome) => expectationText(outcome, base) ?? []);
  const label = `Memory of the baseline and ${others.length} settings`;
  return renderPage({
    title: "What if",
    header: html`<p class="verdict">${shown(verdict)}</p><p class="verdict-note"><code>${shown(command)}</code>${load === null ? "" : html`<br>load: <code>${shown(load)}</code>`}</p>${settings.map((line) => html`<p class="verdict-note"><code>${shown(line.trim())}</code></p>`)}`,
    main: html`<div class="whatif">
<h2>Measured</h2><div class="card" tabindex="0" role="region" aria-label="Measured"><table><thead><tr>${tableHead.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table><p class="meta">${LEGEND}</p></div>
<div class="grid"><figure class="card"><figcaption>Peak, and after the peak</figcaption>${inPage(bars(base, others), `${label}: bars of peak and after the peak`)}</figure>
<figure class="card"><figcaption>RSS over time, the baseline dashed</figcaption>${inPage(timelines(base, others), `${label}: RSS over time`)}</figure></div>
${expected.length === 0 ? "" : html`<h2>Expected by the advice engine</h2><div class="card">${expected.map((line) => html`<p>${shown(line)}</p>`)}</div>`}
<h2>Settings</h2><div class="card"><dl>${others.map(({ setting, notes }) => html`<dt>${shown(`${setting.id}: ${setting.title}`)}</dt><dd><code>${shown(settingText(setting))}</code></dd><dd>${shown([setting.why, ...notes].join(" "))}</dd>`)}</dl></div>
${leftOut.length === 0 ? "" : html`<h2>Not tried</h2><div class="card">${leftOut.map((line) => html`<p>${shown(line)}</p>`)}</div>`}
</div>`,
    footer: html`<p>${formatUtc(generatedAtMs)}. Measured on one machine, one run after another. docs/whatif.md says how.</p>`,
    style,
  });
}
