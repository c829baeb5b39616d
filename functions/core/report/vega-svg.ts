// Turns a Vega-Lite specification into one inline SVG that scales, follows the page's colours and speaks to screen readers.
// It leaves what is drawn to charts.ts.
import { html, raw } from "hono/html";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** Text of a chart in its own units, and the width it is designed for: at 336 px, the inside of a card on a 390 px phone, 12 is 11.2 px. */
export const chartFontSize = 12;
export const chartWidth = 360;

/** One layer of a specification. */
export type Layer = Extract<Extract<TopLevelSpec, { layer: unknown }>["layer"][number], { mark: unknown }>;

/** Colours are custom properties of the page, so that one SVG serves light and dark. */
export const chartConfig = {
  // The SVG has one name and one description for screen readers; a role on every mark would bury it.
  aria: false,
  background: "transparent",
  view: { stroke: null },
  axis: {
    domainColor: "var(--line-strong)",
    gridColor: "var(--line)",
    tickColor: "var(--line-strong)",
    labelColor: "var(--muted)",
    titleColor: "var(--muted)",
    labelFontSize: chartFontSize,
    titleFontSize: chartFontSize,
    titleFontWeight: "normal",
  },
  text: { fontSize: chartFontSize },
} satisfies TopLevelSpec["config"];

/** The SVG of a specification of fixed size (autosize none), as escaped HTML. */
export async function chartSvg(spec: TopLevelSpec, label: string) {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return inline(svg, label);
}

/**
 * The drawing within an opening tag of our own: no fixed size, no namespaces (HTML needs none), a name.
 * Ids would collide between the charts of a page; Vega makes them for clipping and gradients only, which we do not use.
 */
function inline(svg: string, label: string) {
  const { viewBox, drawing } = svgParts(svg);
  if (/\sid="/.test(drawing)) throw new Error("the chart has ids, which collide in a page: do not clip or use gradients");
  return html`<svg class="chart" role="img" aria-label="${label}" viewBox="${viewBox}" preserveAspectRatio="xMidYMid meet"><title>${label}</title>${raw(withoutRoles(drawing))}</svg>`;
}

function svgParts(svg: string): { viewBox: string; drawing: string } {
  const match = /^<svg\b[^>]*\bviewBox="([^"]+)"[^>]*>([\s\S]*)<\/svg>\s*$/.exec(svg);
  if (match === null) throw new Error(`vega wrote no svg element with a viewBox, but: ${svg.slice(0, 100)}`);
  return { viewBox: match[1] ?? "", drawing: match[2] ?? "" };
}

/** Vega writes a role on groups even without aria. Inside role="img" they say nothing, and they cost bytes in every chart. */
function withoutRoles(drawing: string): string {
  return drawing.replace(/ (?:role|aria-roledescription|aria-hidden|pointer-events|class|opacity)="(?:[^"]*)"/g, (attribute) =>
    attribute.startsWith(" opacity") && attribute !== ' opacity="1"' ? attribute : "",
  );
}
