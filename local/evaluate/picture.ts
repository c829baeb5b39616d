// A picture for docs/detection.md: what typical traces look like, side by side on one scale of time.
// Which trace stands for what is the caller's choice.
import type { Measured } from "../replay/trace.ts";
import type { LabelledTrace } from "./labelled-trace.ts";

const PANEL = { width: 300, height: 150, left: 42, top: 26, bottom: 22, gap: 18 } as const;
const COLUMNS = 3;
const MIB = 1_024 * 1_024;
const MINUTE_MS = 60_000;
/** Colours of Okabe and Ito, which colour-blind readers can tell apart. */
const parts = [
  { name: "live in malloc", colour: "#0072b2" },
  { name: "held free by the allocator", colour: "#e69f00" },
  { name: "outside of malloc", colour: "#8796a1" },
] as const;

/** SVG with one panel a trace: anonymous memory in its three parts, stacked. */
export function tracesPicture(traces: readonly { readonly title: string; readonly trace: LabelledTrace }[]): string {
  const rows = Math.ceil(traces.length / COLUMNS);
  const [width, height] = [COLUMNS * PANEL.width, rows * (PANEL.height + PANEL.gap) + 28];
  const panels = traces.map(({ title, trace }, index) => {
    const [x, y] = [(index % COLUMNS) * PANEL.width, Math.floor(index / COLUMNS) * (PANEL.height + PANEL.gap)];
    return `<g transform="translate(${x} ${y})">${panel(title, trace)}</g>`;
  });
  const legend = parts.map(
    ({ name, colour }, index) =>
      `<rect x="${PANEL.left + index * 210}" y="${height - 18}" width="12" height="12" fill="${colour}"/>` +
      `<text x="${PANEL.left + 17 + index * 210}" y="${height - 8}">${name}</text>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">\n<title>Anonymous memory of typical traces over three peaks</title>\n` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n${[...panels, ...legend].join("\n")}\n</svg>\n`
  );
}

function panel(title: string, { trace: { rows } }: LabelledTrace): string {
  const [first, last] = [rows.at(0)?.offsetMs ?? 0, rows.at(-1)?.offsetMs ?? 1];
  const stacks = rows.map(({ measured }) => stackOf(measured));
  const most = Math.max(...stacks.map((stack) => stack.at(-1) ?? 0), 1);
  const { left, top } = PANEL;
  const [innerWidth, innerHeight] = [PANEL.width - left - 10, PANEL.height - top - PANEL.bottom];
  const x = (row: number) => left + (((rows[row]?.offsetMs ?? first) - first) / (last - first || 1)) * innerWidth;
  const y = (bytes: number) => top + innerHeight * (1 - bytes / most);
  const edge = (part: number) => stacks.map((stack, row) => `${x(row).toFixed(1)},${y(stack[part] ?? 0).toFixed(1)}`);
  const areas = parts.map(
    ({ colour }, part) => `<polygon fill="${colour}" points="${[...edge(part), ...edge(part + 1).reverse()].join(" ")}"/>`,
  );
  const minutes = Math.round((last - first) / MINUTE_MS);
  return [
    `<text x="${left}" y="16" font-weight="600">${title}</text>`,
    ...areas,
    `<path d="M${left} ${top}V${top + innerHeight}H${left + innerWidth}" fill="none" stroke="#4d6270"/>`,
    `<text x="${left - 4}" y="${top + 8}" text-anchor="end" fill="#4d6270">${Math.round(most / MIB)} MiB</text>`,
    `<text x="${left + innerWidth}" y="${PANEL.height - 8}" text-anchor="end" fill="#4d6270">${minutes} min</text>`,
  ].join("");
}

/** Edges of the stack from the bottom: 0, live, with held, with what is outside. As process_causes splits it. */
function stackOf({ anon_bytes, live_bytes, free_bytes }: Measured): readonly number[] {
  const [anon, live] = [anon_bytes ?? 0, Math.min(live_bytes ?? 0, anon_bytes ?? 0)];
  const held = Math.min(free_bytes ?? 0, anon - live);
  return [0, live, live + held, anon];
}
