// Results of benchmarks as text: the cells of a table, and the page docs/benchmarks.md with a section for each part.
// Measuring is the benchmarks', choosing them the runner's.
import { arch, cpus, release, totalmem } from "node:os";
import type { BenchRow } from "./row.ts";

export interface Section {
  readonly title: string;
  readonly rows: readonly BenchRow[];
}

export function cells(row: BenchRow): readonly string[] {
  const { name, value, unit, peer, peer_value, ratio, target } = row;
  return [
    name,
    value === null ? "not measured" : short(value),
    unit,
    peer ?? "",
    short(peer_value),
    short(ratio),
    short(target),
  ];
}

export const pageOf = (sections: readonly Section[]): string => `# Benchmarks

Made by \`npm run bench -- --docs\`. Peers run in the same rounds, interleaved; a ratio above 1 is better than the peer.
A target is of the ratio, or without a peer of the value. Absolute figures are of one shared, noisy machine: compare ratios.

${machine()}

${sections.map(sectionText).join("\n\n")}
`;

/** The page with these sections in the place of those of the same title; new ones come last. The machine must be the page's. */
export function replaceSections(page: string, fresh: readonly Section[]): string {
  if (!page.includes(machine())) throw new Error("docs/benchmarks.md is of another machine: leave the area out");
  const [head = "", ...old] = page.trimEnd().split(/\n+(?=## )/);
  const kept = new Map(old.map((text) => [/^## (.*)/.exec(text)?.[1] ?? "", text]));
  for (const section of fresh) kept.set(section.title, sectionText(section));
  return `${[head, ...kept.values()].join("\n\n")}\n`;
}

/** What a run's absolute figures depend on. */
export const machine = (): string =>
  `Machine: ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ${arch()}, Node ${process.version}.`;

const sectionText = ({ title, rows }: Section): string =>
  [
    `## ${title}`,
    "",
    "| name | value | unit | peer | peer's value | ratio | target |",
    "|---|--:|---|---|--:|--:|--:|",
    ...rows.map((row) => `| ${cells(row).join(" | ")} |`),
  ].join("\n");

/** Three digits, or thousands in full. */
export function short(value: number | null): string {
  if (value === null) return "";
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}
