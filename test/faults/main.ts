// npm run test:faults: the fault suite alone, its seed, and one table of what came of it; --docs writes it to docs/reliability.md.
// The faults are the tests'; under npm test they run like any other.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printTable } from "../../local/table.ts";
import { type FaultResult, SEED } from "./suite.ts";

// Names of test files, without their ending, for those alone.
const { values, positionals } = parseArgs({ options: { docs: { type: "boolean", default: false } }, allowPositionals: true });
const path = join(mkdtempSync(join(tmpdir(), "tidemark-faults-")), "results.ndjson");
const files = globSync("*.test.ts", { cwd: import.meta.dirname })
  .filter((file) => positionals.length === 0 || positionals.includes(file.replace(".test.ts", "")))
  .sort();
process.stderr.write(
  `faults: seed ${SEED} (TIDEMARK_FAULT_SEED), moments times ${process.env["TIDEMARK_FAULT_ROUNDS"] ?? "1"}\n`,
);

// One after another: each has a machine and an AWS of its own, and two at once would only be slower.
const flags = ["--test", "--test-force-exit", "--test-concurrency=1", "--test-timeout=900000", "--test-reporter=spec"];
const { status } = spawnSync(process.execPath, [...flags, ...files.map((file) => join(import.meta.dirname, file))], {
  env: { ...process.env, TIDEMARK_FAULT_RESULTS: path },
  stdio: "inherit",
});
const results = existsSync(path)
  ? readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as FaultResult)
  : [];
const BEGIN = "<!-- faults: begin -->";
const END = "<!-- faults: end -->";
const HEAD = ["fault", "moments", "survived", "checked", "lost", "doubled", "in rejects", "repeated", "sent back"];
const count = (value: number) => value.toLocaleString("en-US");
const cellsOf = ({ fault, moments, survived, checked, unit, lost, doubled, rejected, repeated, sentBack }: FaultResult) => [
  fault,
  count(moments),
  count(survived),
  `${count(checked)} ${unit}`,
  ...[lost, doubled, rejected, repeated, sentBack].map(count),
];
printTable(HEAD, results.map(cellsOf));
// A run that failed shows nothing that anybody should rely on.
if (values.docs && status === 0 && positionals.length === 0) writeTable();
process.exitCode = status ?? 1;

function writeTable(): void {
  const page = new URL("../../docs/reliability.md", import.meta.url);
  const sum = (unit: FaultResult["unit"], of: "checked" | "lost" | "doubled") =>
    count(results.filter((result) => result.unit === unit).reduce((total, result) => total + result[of], 0));
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = [
    `Seed ${SEED}; ${count(results.reduce((total, { moments }) => total + moments, 0))} moments of ${results.length} faults. ` +
      `Rows checked ${sum("rows", "checked")}, lost ${sum("rows", "lost")}, doubled ${sum("rows", "doubled")}; ` +
      `alerts checked ${sum("alerts", "checked")}, lost ${sum("alerts", "lost")}, doubled ${sum("alerts", "doubled")}. ` +
      `Linux ${release()}, ${arch()}, ${cpus().length} cores, Node ${process.version}.`,
    "",
    row(HEAD),
    row(["---", ...HEAD.slice(1).map(() => "--:")]),
    ...results.map((result) => row(cellsOf(result))),
  ];
  const text = readFileSync(page, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/reliability.md has no place between "${BEGIN}" and "${END}"`);
  writeFileSync(page, `${text.slice(0, begin + BEGIN.length)}\n${table.join("\n")}\n${text.slice(end)}`);
}
