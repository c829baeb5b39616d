// One fault at many random moments: the seed, the number of moments, and the row of the table that comes of it.
// What the fault is, and what must hold, is the tests'.
import { appendFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { seededRandom } from "../../local/seeded-random.ts";

/** The seed of this run: every test file draws from it on its own. */
export const SEED = Number(process.env["TIDEMARK_FAULT_SEED"] ?? "9");
/** How many times as many moments as usual. */
const ROUNDS = Number(process.env["TIDEMARK_FAULT_ROUNDS"] ?? "1");

export const momentsOf = (usual: number): number => Math.max(1, Math.round(usual * ROUNDS));

/** A stream of numbers for a fault, the same whatever ran before it. */
export const randomFor = (fault: string): (() => number) =>
  seededRandom([...fault].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, SEED));

export const pick = <T>(random: () => number, choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;

/** A row of the table in docs/reliability.md. Rows or alerts that were checked are those that came with this fault. */
export interface FaultResult {
  readonly fault: string;
  readonly moments: number;
  readonly survived: number;
  readonly checked: number;
  readonly unit: "rows" | "alerts";
  readonly lost: number;
  readonly doubled: number;
  readonly rejected: number;
  /** Stored or told again, as at-least-once delivery may. */
  readonly repeated: number;
  /** Dead letters that a person would have to send back. */
  readonly sentBack: number;
}

/** Says it in the test's output, and to whoever makes the table of it. */
export function report(t: TestContext, result: FaultResult): void {
  const { fault, unit, ...counts } = result;
  const text = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  t.diagnostic(`${fault} (seed ${SEED}, ${unit}): ${text.join(", ")}`);
  const path = process.env["TIDEMARK_FAULT_RESULTS"];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(result)}\n`);
}
