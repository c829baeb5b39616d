// What a fuzz target is: a border of the program that takes bytes from strangers, and what must hold whatever they are.
// Changing bytes is mutate.ts's, running in time engine.ts's, which targets there are targets.ts's.
import { ok } from "node:assert/strict";

export interface FuzzTarget {
  readonly name: string;
  /** True inputs to start from, beside those kept in test/fixtures/corpora. */
  seeds(): readonly Buffer[];
  /** Words that mean something at this border. */
  readonly words: readonly string[];
  /**
   * Throws where something does not hold. Gives back what came out in a few words, without the input's own: an input with an
   * outcome that none had before is changed further, as a fuzzer that sees coverage does with new branches.
   */
  run(input: Buffer): string | Promise<string>;
}

/** Whole numbers that a row can hold; anything else in a result is a figure that nobody has measured. */
export function isHarmless(value: unknown, textLengthMax = 1_024): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
  if (typeof value === "string") return value.length <= textLengthMax;
  if (value instanceof Map) return [...value].flat().every((part) => isHarmless(part, textLengthMax));
  if (Array.isArray(value)) return value.every((part) => isHarmless(part, textLengthMax));
  if (typeof value === "object" && value !== null) {
    return Object.values(value).every((part) => isHarmless(part, textLengthMax));
  }
  return value === null || value === undefined || typeof value === "boolean";
}

/** No control character but line feed and tab, no mark of direction: what a terminal or a reader would obey instead of show. */
export function assertNoOrders(text: string): void {
  const found = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u.exec(text);
  ok(found === null, `U+${found?.[0].codePointAt(0)?.toString(16)} is shown as it is, at ${found?.index}`);
}
