// The inputs that are kept, one folder a target: one for each outcome worth starting from, and what once broke something.
// They are small and few, because every run replays them all.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fuzzed } from "./engine.ts";

const root = join(import.meta.dirname, "..", "fixtures", "corpora");
/** Of those that are kept for their outcome. */
const [KEPT_MAX, KEPT_BYTES_MAX] = [24, 4_096];

export interface Kept {
  readonly path: string;
  readonly bytes: Buffer;
}

export function readCorpus(target: string): readonly Kept[] {
  const folder = join(root, target);
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder).sort();
  return paths.map((name) => ({ path: join(folder, name), bytes: readFileSync(join(folder, name)) }));
}

/** Where it lies: commit it together with the cure. */
export const keepFailure = (target: string, input: Buffer): string => write(target, "found", input);

/** Keeps the smallest input of each outcome that no kept input has yet; how many were added. */
export function keepOutcomes(target: string, { outcomes }: Fuzzed, known: ReadonlySet<string>): number {
  const room = KEPT_MAX - readCorpus(target).length;
  const fresh = [...outcomes].filter(([outcome, input]) => !known.has(outcome) && input.length <= KEPT_BYTES_MAX);
  const kept = fresh.sort(([, one], [, other]) => one.length - other.length).slice(0, Math.max(0, room));
  for (const [, input] of kept) write(target, "outcome", input);
  return kept.length;
}

function write(target: string, why: string, input: Buffer): string {
  const folder = join(root, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${why}-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
}
