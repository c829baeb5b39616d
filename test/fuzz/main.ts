// npm run fuzz: runs one target or all of them for some minutes; what breaks one is reduced and kept for every run to replay.
// The walker has fuzzers of its own, in C: test/native/fuzz/README.md.
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { keepFailure, keepOutcomes, readCorpus } from "./corpus.ts";
import { fuzz, outcomeOf } from "./engine.ts";
import { targets } from "./targets.ts";

const HELP = `Usage: npm run fuzz -- [target] [options]

Targets: ${targets.map(({ name }) => name).join(", ")} (all of them)

  --minutes <number>  for each target (1)
  --seed <number>     of the random numbers (the time)
  --keep              keep inputs with outcomes of their own as well: small ones, and few
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string" }, seed: { type: "string" }, keep: { type: "boolean" }, help: { type: "boolean" } },
});
const minutes = Number(values.minutes ?? 1);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const chosen = positionals.length === 0 ? targets : targets.filter(({ name }) => positionals.includes(name));
if (values.help || !(minutes > 0) || !Number.isSafeInteger(seed) || chosen.length < positionals.length) {
  process.stdout.write(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  for (const target of chosen) {
    const corpus = readCorpus(target.name).map(({ bytes }) => bytes);
    const known = new Set<string>();
    for (const input of [...corpus]) {
      const outcome = await outcomeOf(target, input);
      if (typeof outcome === "string") known.add(outcome);
    }
    const fuzzed = await fuzz(target, { seed, ms: minutes * 60_000, corpus });
    const { runs, ms, outcomes, failure } = fuzzed;
    const kept = values.keep ? keepOutcomes(target.name, fuzzed, known) : 0;
    process.stdout.write(
      `${target.name}: ${runs} inputs in ${(ms / 60_000).toFixed(2)} minutes, ${outcomes.size} outcomes, seed ${seed}, ${kept} kept, ${failure === null ? "nothing found" : "BROKEN"}\n`,
    );
    if (failure === null) continue;
    const path = keepFailure(target.name, failure.input);
    process.stdout.write(`${relative(process.cwd(), path)}: ${(failure.error as Error).stack ?? failure.error}\n`);
    process.exitCode = 1;
  }
}
process.exit(); // DuckDB's threads would keep it from ending.
