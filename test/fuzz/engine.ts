// Runs a target for a while on changed inputs, from a seed that brings the same ones again, and reduces what broke it.
// Where inputs are kept is corpus.ts's.
import { seededRandom } from "../../local/seeded-random.ts";
import { mutate } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

/** Larger inputs make each run slower and are found by repeating a part of a small one. */
const INPUT_BYTES_MAX = 65_536;
/**
 * Of CPU time, which a busy machine does not lengthen. An input of the size above takes milliseconds, one that makes files for
 * hundreds of hours some seconds; a pattern that backtracks takes minutes.
 */
const RUN_CPU_MS_MAX = 10_000;
/** Inputs with an outcome of their own that are changed further. */
const POOL_MAX = 1_024;
const REDUCE_MS = 10_000;

export interface Failure {
  readonly input: Buffer;
  readonly error: unknown;
}

export interface Fuzzed {
  readonly runs: number;
  readonly ms: number;
  /** The smallest input seen of each outcome. */
  readonly outcomes: ReadonlyMap<string, Buffer>;
  /** The first one, reduced; fuzzing ends with it. */
  readonly failure: Failure | null;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly ms: number;
  readonly corpus: readonly Buffer[];
}

export async function fuzz(target: FuzzTarget, { seed, ms, corpus }: FuzzOptions): Promise<Fuzzed> {
  const random = seededRandom(seed);
  const outcomes = new Map<string, Buffer>();
  const pool = [...corpus, ...target.seeds()];
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  let runs = 0;
  const done = (failure: Failure | null): Fuzzed => ({ runs, ms: elapsedMs(), outcomes, failure });
  const one = () => pool[Math.floor(random() * pool.length)] as Buffer;
  const starts = pool.slice();
  while (elapsedMs() < ms || starts.length > 0) {
    const input = starts.pop() ?? mutate(one(), { random, other: one(), words: target.words, bytesMax: INPUT_BYTES_MAX });
    runs++;
    const outcome = await outcomeOf(target, input);
    if (typeof outcome !== "string") return done(await reduced(target, { input, error: outcome.error }));
    const known = outcomes.get(outcome);
    if (known === undefined && pool.length < POOL_MAX) pool.push(input);
    if (known === undefined || input.length < known.length) outcomes.set(outcome, Buffer.from(input));
  }
  return done(null);
}

/** What came of an input, or what it broke. */
export async function outcomeOf(target: FuzzTarget, input: Buffer): Promise<string | { readonly error: unknown }> {
  const started = process.cpuUsage();
  try {
    const outcome = await target.run(input);
    const { user, system } = process.cpuUsage(started);
    const tookMs = Math.round((user + system) / 1_000);
    if (tookMs > RUN_CPU_MS_MAX)
      throw new Error(`${input.length} bytes took ${tookMs} ms of CPU, the limit is ${RUN_CPU_MS_MAX}`);
    return outcome;
  } catch (error) {
    return { error };
  }
}

/** Without every part that is not needed to break the target: halves first, then ever smaller pieces. */
async function reduced(target: FuzzTarget, failure: Failure): Promise<Failure> {
  const endMs = performance.now() + REDUCE_MS;
  let { input, error } = failure;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < input.length && performance.now() < endMs; ) {
      const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + size)]);
      const outcome = await outcomeOf(target, shorter);
      if (typeof outcome === "string") at += size;
      else [input, error] = [shorter, outcome.error];
    }
  }
  return { input: Buffer.from(input), error };
}
