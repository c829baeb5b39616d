// npm run bench: every benchmark of the project, beside its peer, in one table; --json for machines, --docs for docs/benchmarks.md.
// A benchmark measures and judges nothing; noise is met with interleaved rounds and ratios. The page is page.ts's.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { printTable } from "../../local/table.ts";
import { benchCost } from "./collector/cost.ts";
import { benchKilled } from "./collector/killed.ts";
import { benchOutage } from "./collector/outage.ts";
import { benchPeers } from "./collector/peers.ts";
import { benchStall } from "./collector/stall.ts";
import { benchColdStart } from "./lake/cold-start.ts";
import { benchCompaction } from "./lake/compaction.ts";
import { benchConversion } from "./lake/conversion.ts";
import { benchFleet } from "./lake/fleet.ts";
import { benchConversionMemory } from "./lake/memory.ts";
import { benchWriters } from "./lake/writers.ts";
import { benchAgreement } from "./native/agreement.ts";
import { benchAllocation } from "./native/allocation.ts";
import { benchFailures } from "./native/failures.ts";
import { benchMemory } from "./native/memory.ts";
import { benchMmap } from "./native/mmap.ts";
import { benchProfile } from "./native/profile.ts";
import { benchServers } from "./native/servers.ts";
import { benchShimAgreement } from "./native/shim-agreement.ts";
import { benchStartup } from "./native/startup.ts";
import { benchTools } from "./native/tools.ts";
import { benchWalk } from "./native/walk.ts";
import { cells, machine, pageOf, replaceSections, type Section, short } from "./page.ts";
import { regressions } from "./regressions.ts";
import type { BenchRow } from "./row.ts";
import { benchWeekly } from "./weekly/report.ts";

const root = join(import.meta.dirname, "../..");
const PAGE = "docs/benchmarks.md";
/** Committed runs that say how far figures of this machine lie apart. */
const PAGES_MAX = 8;

type Bench = () => Promise<BenchRow[]>;

/** Areas, and the parts of each that can be run alone. */
const areas: Readonly<Record<string, Readonly<Record<string, Bench>>>> = {
  native: {
    agreement: benchAgreement,
    "shim-agreement": benchShimAgreement,
    walk: benchWalk,
    mmap: benchMmap,
    startup: benchStartup,
    servers: benchServers,
    allocation: benchAllocation,
    failures: benchFailures,
    profile: benchProfile,
    memory: benchMemory,
    tools: benchTools,
  },
  collector: {
    peers: benchPeers,
    stall: benchStall,
    outage: benchOutage,
    killed: benchKilled,
    cost: benchCost,
  },
  lake: {
    conversion: benchConversion,
    writers: benchWriters,
    "conversion-memory": benchConversionMemory,
    "cold-start": benchColdStart,
    compaction: benchCompaction,
    fleet: benchFleet,
    weekly: benchWeekly,
  },
};
const names = Object.entries(areas).flatMap(([area, parts]) => [area, ...Object.keys(parts).filter((part) => part !== area)]);

const program = new Command("bench")
  .description("Times the hot paths against their peers in the same rounds.")
  .argument("[area]", `one of ${names.join(", ")}; all when left out`)
  .addOption(new Option("--json", "one row of {name, value, unit, peer, peer_value, ratio, target} a line").default(false))
  .addOption(
    new Option("--docs", "write the results to docs/benchmarks.md; of one area alone, only what it measures").default(false),
  )
  .parse();
const { json, docs } = program.opts<{ json: boolean; docs: boolean }>();
const chosen = choose(program.args[0] === "walker" ? "walk" : program.args[0]);

const sections: Section[] = [];
for (const { title, bench } of chosen) {
  process.stderr.write(`bench: ${title} ...\n`);
  sections.push({ title, rows: await bench() });
}
const rows = sections.flatMap((section) => section.rows);
if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
else printTable(["name", "value", "unit", "peer", "peer value", "ratio", "target"], rows.map(cells));
sayRegressions();
if (docs) {
  const path = join(root, PAGE);
  writeFileSync(path, program.args[0] === undefined ? pageOf(sections) : replaceSections(readFileSync(path, "utf8"), sections));
}

/** Beside the results, on stderr: whoever reads them by a program gets rows alone. */
function sayRegressions(): void {
  const pages = committedPages();
  if (!pages.some((page) => page.includes(machine()))) {
    process.stderr.write("bench: no committed run is of this machine: nothing to compare with\n");
    return;
  }
  const worse = regressions(sections, pages, machine());
  if (worse.length === 0) process.stderr.write("bench: nothing is worse than the last committed run beyond its noise\n");
  for (const { title, name, what, before, now, worseBy, noise } of worse) {
    const share = `${Math.round(worseBy * 100)} % worse, noise ${Math.round(noise * 100)} %`;
    process.stderr.write(`bench: WORSE: ${title}: ${name}: ${what} ${short(before)} -> ${short(now)} (${share})\n`);
  }
}

/** Newest first; none where this is no clone. */
function committedPages(): readonly string[] {
  const git = (...args: string[]) => spawnSync("git", ["-C", root, ...args], { encoding: "utf8" });
  const commits = git("log", `-${PAGES_MAX}`, "--format=%H", "--", PAGE).stdout?.split("\n").filter(Boolean) ?? [];
  return commits.map((commit) => git("show", `${commit}:${PAGE}`).stdout ?? "");
}

function choose(name: string | undefined): { title: string; bench: Bench }[] {
  const all = Object.entries(areas).flatMap(([area, parts]) =>
    Object.entries(parts).map(([part, bench]) => ({ area, part, bench, title: area === part ? area : `${area}: ${part}` })),
  );
  const wanted = all.filter(({ area, part }) => name === undefined || name === area || name === part);
  if (wanted.length === 0) throw program.error(`no area ${name}; there are ${names.join(", ")}`, { exitCode: 2 });
  return wanted;
}
