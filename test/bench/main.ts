// npm run bench: every benchmark of the project, beside its peer, in one table; --json for machines, --docs for docs/benchmarks.md.
// A benchmark measures and judges nothing; noise is met with interleaved rounds and ratios.
import { writeFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { printTable } from "../../local/table.ts";
import { benchConvert } from "./convert.ts";
import type { BenchRow } from "./row.ts";
import { benchWalker } from "./walker.ts";

const areas: Readonly<Record<string, () => Promise<BenchRow[]>>> = { walker: benchWalker, convert: benchConvert };

const program = new Command("bench")
  .description("Times the hot paths against their peers in the same rounds.")
  .argument("[area]", `one of ${Object.keys(areas).join(", ")}; all when left out`)
  .addOption(new Option("--json", "one row of {name, value, unit, peer, peer_value, ratio, target} a line").default(false))
  .addOption(new Option("--docs", "write the results to docs/benchmarks.md").default(false))
  .parse();
const { json, docs } = program.opts<{ json: boolean; docs: boolean }>();
const [area] = program.args;
const chosen = area === undefined ? Object.keys(areas) : [area];

const results: { readonly area: string; readonly rows: readonly BenchRow[] }[] = [];
for (const name of chosen) {
  const bench = areas[name];
  if (bench === undefined) throw program.error(`no area ${name}; there are ${Object.keys(areas).join(", ")}`, { exitCode: 2 });
  process.stderr.write(`bench: ${name} ...\n`);
  results.push({ area: name, rows: await bench() });
}
const rows = results.flatMap((result) => result.rows);
if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
else printTable(["name", "value", "unit", "peer", "peer value", "ratio", "target"], rows.map(cells));
if (docs) {
  if (area !== undefined) program.error("--docs writes the results of all areas: leave the area out", { exitCode: 2 });
  writeFileSync(join(import.meta.dirname, "../../docs/benchmarks.md"), markdown());
}

function cells(row: BenchRow): readonly string[] {
  const { name, value, unit, peer, peer_value, ratio, target } = row;
  return [name, short(value), unit, peer ?? "", short(peer_value), short(ratio), short(target)];
}

function short(value: number | null): string {
  if (value === null) return "";
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}

function markdown(): string {
  const sections = results.map((result) =>
    [
      `## ${result.area}`,
      "",
      "| name | value | unit | peer | peer's value | ratio | target |",
      "|---|--:|---|---|--:|--:|--:|",
      ...result.rows.map((row) => `| ${cells(row).join(" | ")} |`),
    ].join("\n"),
  );
  return `# Benchmarks

Made by \`npm run bench -- --docs\`. Peers run in the same rounds, interleaved; a ratio above 1 is better than the peer.
Absolute figures are of one shared, noisy machine: compare ratios.

Machine: ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ${arch()}, Node ${process.version}.

${sections.join("\n\n")}
`;
}
