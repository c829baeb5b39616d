// Proves that reclaimable_bytes foretells what malloc_trim(0) gives back in real programs, as the kernel counts it.
// It leaves heaps made for the purpose to walker.test.ts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { missing } from "../support/need.ts";
import { commandsOf, type ProgramName } from "../support/programs.ts";
import { type AskedProgram, measureAtRest, startAsked } from "./glibc-figures.ts";
import { make, numberOf } from "./target.ts";

before(() => make("build/tidemark-walk", "test-programs"));

const MIB = 1_024 * 1_024;
/** Below this a ratio would judge single pages. */
const RETURNED_BYTES_MIN = 8 * MIB;
const RATIO_OFF_MAX = 0.05;

interface Trimmed {
  readonly foretold: number;
  readonly returned: number;
  readonly fastbinBytes: number;
  /** What a second trim would give back. */
  readonly left: number;
}

async function loadAndTrim(program: AskedProgram): Promise<Trimmed> {
  await program.load();
  const { fields, figures } = await measureAtRest(program);
  const anonymousBefore = anonymousBytes(program.pid);
  await program.trim();
  const returned = anonymousBefore - anonymousBytes(program.pid);
  const { fields: after } = await measureAtRest(program);
  return {
    foretold: numberOf(fields, "reclaimable_bytes"),
    returned,
    fastbinBytes: figures.fastbinBytes,
    left: numberOf(after, "reclaimable_bytes"),
  };
}

/** Exact, where statm is batched by CPU. Source: proc_pid_smaps_rollup(5), Linux 4.14. */
function anonymousBytes(pid: number): number {
  const found = /^Anonymous:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(found?.[1]) * 1_024;
}

const offBy = ({ foretold, returned }: Trimmed): number => (foretold - returned) / returned;
const told = (trimmed: Trimmed): string =>
  `foretold ${trimmed.foretold}, returned ${trimmed.returned} (${(100 * offBy(trimmed)).toFixed(3)} %), ${trimmed.fastbinBytes} in fastbins`;

/** glibc.malloc.mxfast=0: node frees so much from its helper threads that fastbins hold its heap together until a trim. */
const withoutFastbins = { GLIBC_TUNABLES: "glibc.malloc.mxfast=0" };
const programs: readonly [name: ProgramName, env: Readonly<Record<string, string>>][] = [
  ["redis-glibc", {}],
  ["nginx", {}],
  ["postgres", {}],
  ["mariadbd", {}],
  ["ruby", {}],
  ["python", {}],
  ["perl", {}],
  ["php", {}],
  ["java", {}],
  ["node", withoutFastbins],
];
for (const [name, env] of programs) {
  const how = Object.values(env).join(" ");
  const title = `${name}${how && ` with ${how}`}: malloc_trim gives back what was foretold`;
  test(title, { skip: missing(...commandsOf(name)) }, async (t) => {
    const program = await startAsked(name, env);
    t.after(program.stop);
    for (let round = 0; round < 2; round++) {
      const trimmed = await loadAndTrim(program);
      t.diagnostic(told(trimmed));
      assert.ok(trimmed.returned >= RETURNED_BYTES_MIN, `${trimmed.returned} bytes came back: too few to judge by`);
      assert.ok(Math.abs(offBy(trimmed)) <= RATIO_OFF_MAX, told(trimmed));
      assert.ok(trimmed.left <= RATIO_OFF_MAX * trimmed.foretold, `${trimmed.left} bytes still to give back`);
    }
  });
}

test("node: with fastbins full of chunks the forecast promises less than comes back, never more", async (t) => {
  const program = await startAsked("node");
  t.after(program.stop);
  const trimmed = await loadAndTrim(program);
  t.diagnostic(told(trimmed));
  assert.ok(trimmed.returned >= RETURNED_BYTES_MIN);
  assert.ok(offBy(trimmed) <= RATIO_OFF_MAX, told(trimmed));
});
