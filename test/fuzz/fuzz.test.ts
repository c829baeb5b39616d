// Replays every kept input and goes on from them for a bounded time, with a seed that is printed.
// Long runs are by hand: npm run fuzz -- --help. The walker's fuzzers are in test/native/fuzz.
import { equal, ok } from "node:assert/strict";
import { relative } from "node:path";
import { test } from "node:test";
import { keepFailure, readCorpus } from "./corpus.ts";
import { fuzz, outcomeOf } from "./engine.ts";
import { shares, targets } from "./targets.ts";

const totalSeconds = Number(process.env["TIDEMARK_FUZZ_SECONDS"] ?? (process.env["CI"] ? 40 : 10));
/** Kept inputs are for every run: all of a target's together. */
const CORPUS_BYTES_MAX = 256 * 1_024;

for (const target of targets) {
  test(`${target.name}: kept inputs, and others for a share of the time, break nothing`, async (t) => {
    const corpus = readCorpus(target.name);
    ok(corpus.length > 0, "no input is kept: npm run fuzz -- --keep");
    ok(corpus.reduce((sum, { bytes }) => sum + bytes.length, 0) <= CORPUS_BYTES_MAX);
    for (const { path, bytes } of corpus) {
      const outcome = await outcomeOf(target, bytes);
      if (typeof outcome !== "string") throw new Error(`${path} breaks ${target.name}`, { cause: outcome.error });
    }
    const share = shares[target.name];
    ok(share !== undefined, "it has no share of the time");
    const seed = Number(process.env["TIDEMARK_FUZZ_SEED"] ?? 20_261_123);
    const { runs, outcomes, failure } = await fuzz(target, {
      seed,
      ms: totalSeconds * share * 1_000,
      corpus: corpus.map(({ bytes }) => bytes),
    });
    t.diagnostic(`seed ${seed}: ${runs} inputs, ${outcomes.size} outcomes`);
    if (failure === null) return;
    const path = relative(process.cwd(), keepFailure(target.name, failure.input));
    throw new Error(`${path} (kept; seed ${seed}) breaks ${target.name}`, { cause: failure.error });
  });
}

test("the shares of the time add up", () => {
  equal(Math.round(Object.values(shares).reduce((sum, share) => sum + share, 0) * 100), 100);
  equal(Object.keys(shares).length, targets.length);
});
