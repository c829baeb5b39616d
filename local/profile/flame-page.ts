// The page of a heap profile: a flame graph (boxes as wide as their bytes, callers on top), and the stacks that hold most.
// It is whole without its script, which only widens the box that is chosen. The frame is report/frame.ts's.
import { html, raw } from "hono/html";
import { type Html, renderPage } from "../../functions/core/report/frame.ts";
import { clipName, clipText, tooltipLengthMax } from "../../functions/core/report/text.ts";
import { formatBytes, formatCountOf } from "../../functions/core/units.ts";
import type { FlameNode, NamedStack } from "./flame-tree.ts";

export interface FlamePage {
  readonly title: string;
  /** What was measured, how and when: one sentence each. */
  readonly about: readonly string[];
  readonly tree: FlameNode;
  /** Largest first. */
  readonly stacks: readonly NamedStack[];
}

/** Below that, a table says nothing that a leak or a pin would need. */
const STACKS_SHOWN = 25;
const FRAMES_SHOWN = 40;
/** A box has room for no more; the whole name is its tooltip. */
const NAME_LENGTH_MAX = 120;

export async function flamePage({ title, about, tree, stacks }: FlamePage): Promise<string> {
  const total = tree.bytes;
  return await renderPage({
    title,
    header: html`<p class="verdict">${formatBytes(total)} by the code that asked for it</p>
${about.map((sentence) => html`<p class="verdict-note">${clipText(sentence, 1_000)}</p>\n`)}`,
    main: html`<h2 id="graph">Who called whom</h2>
<p class="hint">A box is as wide as the bytes that it and what it calls still hold. Choose one to widen it, the top one to go back.</p>
<div class="flame" role="tree" aria-labelledby="graph">${raw(boxes(tree, total, total))}</div>
<h2>Stacks that hold most</h2>
${total === 0 ? html`<p>Nothing was sampled.</p>` : stacks.slice(0, STACKS_SHOWN).map((stack) => stackCard(stack, total))}`,
    footer: html`<p>Estimates from samples: what a figure rests on few of, may be off by half. The file beside this page opens in pprof.</p>`,
    style,
    script,
  });
}

/** As text: thousands of nested templates would each be an object. Names of strangers are escaped here. */
function boxes(node: FlameNode, parentBytes: number, total: number): string {
  const share = total === 0 ? 0 : node.bytes / total;
  const width = parentBytes === 0 ? 100 : (node.bytes / parentBytes) * 100;
  const name = clipName(node.name, NAME_LENGTH_MAX);
  const file = node.file === null ? "" : `\n${node.file}`;
  const tip = clipText(`${node.name}`, tooltipLengthMax) + clipText(file.trim() === "" ? "" : ` (${file.trim()})`, 300);
  const figures = `${formatBytes(node.bytes)}, ${percent(share)}, ${formatCountOf(node.blocks, "block", "blocks")}`;
  const below = node.children.map((child) => boxes(child, node.bytes, total)).join("");
  return (
    `<div class="f" role="treeitem" style="width:${width.toFixed(3)}%">` +
    `<button class="h${hue(node.file ?? "")}" title="${escaped(`${tip}: ${figures}`)}">${escaped(name)}</button>` +
    `${below === "" ? "" : `<div class="k" role="group">${below}</div>`}</div>`
  );
}

function stackCard({ places, bytes, blocks }: NamedStack, total: number): Html {
  const shown = places.slice(0, FRAMES_SHOWN);
  const first = shown.find(({ name }) => !/^(malloc|calloc|realloc|operator new|_Zn[wa])/.test(name)) ?? shown[0];
  const rest = places.length - shown.length;
  return html`<details class="card calls"><summary><b>${formatBytes(bytes)}</b> ${percent(bytes / total)} in ${formatCountOf(blocks, "block", "blocks")}:
<bdi>${clipName(first?.name ?? "stack not known", NAME_LENGTH_MAX)}</bdi></summary>
<ol>${shown.map(({ name, file }) => html`<li><bdi>${clipName(name, NAME_LENGTH_MAX)}</bdi>${file === null ? "" : html` <span class="count"><bdi>${clipText(file, 200)}</bdi></span>`}</li>\n`)}</ol>
${rest > 0 ? html`<p class="count">and ${formatCountOf(rest, "more caller", "more callers")}</p>` : ""}</details>
`;
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Code of one file has one colour. */
function hue(file: string): number {
  let hash = 0;
  for (const character of file) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return hash % 6;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "");

const style = `
.flame{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card);padding:4px}
.f{min-width:0;flex:0 0 auto}
.f.off{display:none}
.k{display:flex;align-items:flex-start}
.f button{display:block;width:100%;height:20px;padding:0 3px;margin:0;border:0;border-right:1px solid var(--card);border-bottom:1px solid var(--card);
font:12px/19px ui-monospace,Menlo,Consolas,monospace;text-align:left;white-space:nowrap;overflow:hidden;text-overflow:clip;cursor:pointer;color:#10222e;border-radius:2px}
.f button:hover,.f button:focus-visible{outline:2px solid var(--link);outline-offset:-2px}
.h0{background:#f6c48a}.h1{background:#f2d98b}.h2{background:#c9dd9a}.h3{background:#a9d8d0}.h4{background:#b9cdf0}.h5{background:#e3bfdf}
.hint{color:var(--muted);margin:0 2px 10px}
.calls{margin-bottom:10px}.calls summary{cursor:pointer}.calls ol{margin:8px 0 0;padding-left:28px}
`;

/** Widens the chosen box and those above it to the whole line, and hides what lies beside them. */
const script = `
for(const flame of document.querySelectorAll(".flame"))flame.addEventListener("click",(event)=>{
const button=event.target.closest("button");if(!button)return;
for(const box of flame.querySelectorAll(".f")){box.classList.remove("off");if(box.dataset.width)box.style.width=box.dataset.width}
for(let box=button.parentElement;box&&!box.classList.contains("flame");box=box.parentElement.closest(".f,.flame")){
box.dataset.width||=box.style.width;box.style.width="100%";
for(const other of box.parentElement.children)if(other!==box)other.classList.add("off")}
});
`;
