// Walking a process with the built walker, and what must hold for every line it says.
// It leaves starting processes to target.ts, and what to expect of each to the tests.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Fields, make, numberOf, parseFields, programPath } from "./target.ts";

export const walker = programPath("tidemark-walk");
export const walkerAsan = programPath("tidemark-walk-asan");
/** The heaps of the tests are dense, so the default budget would not do under the sanitizer. */
export const cpuBudgetUs = 20_000_000;
export const isRoot = process.getuid?.() === 0;

export const makeWalker = (): void => make("build/tidemark-walk", "build/tidemark-walk-asan", "test-programs");

export interface Walk {
  readonly code: number;
  readonly fields: Fields;
  /** One entry an arena, when asked for. */
  readonly arenas: readonly Fields[];
}

interface WalkOptions {
  readonly path?: string;
  readonly budgetUs?: number;
  readonly uid?: number;
  readonly arenas?: boolean;
}

export async function walk(pid: number, options: WalkOptions = {}): Promise<Walk> {
  const args = [
    ...(options.arenas ? ["--arenas"] : []),
    "--cpu-budget-us",
    String(options.budgetUs ?? cpuBudgetUs),
    String(pid),
  ];
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const child = spawn(options.path ?? walker, args, { stdio: ["ignore", "pipe", "pipe"], ...identity });
  let text = "";
  let complaints = "";
  child.stdout.on("data", (data: Buffer) => (text += data));
  child.stderr.on("data", (data: Buffer) => (complaints += data));
  const [code] = await once(child, "close");
  assert.equal(complaints, "");
  const lines = text.trimEnd().split("\n").map(parseFields);
  return { code, fields: lines.at(-1) ?? new Map(), arenas: lines.slice(0, -1) };
}

export async function walkOk(pid: number, options: WalkOptions = {}): Promise<Fields> {
  const { code, fields } = await walk(pid, options);
  assert.equal(fields.get("status"), "ok", `reason=${fields.get("reason")}`);
  assert.equal(code, 0);
  return fields;
}

export async function assertUnknown(pid: number, reason: string, options: WalkOptions = {}): Promise<Fields> {
  const { code, fields } = await walk(pid, options);
  assert.deepEqual([fields.get("status"), fields.get("reason"), code], ["unknown", reason, 1]);
  assert.equal(fields.has("heap_bytes"), false, "unknown must not carry figures");
  return fields;
}

export function assertClose(actual: number, expected: number, ratio: number, what: string): void {
  const off = Math.abs(actual - expected) / Math.max(expected, 1);
  assert.ok(off <= ratio, `${what} is ${actual}, expected ${expected} within ${ratio * 100} %`);
}

export const listOf = (fields: Fields, name: string): number[] => {
  const text = fields.get(name) ?? "";
  return text === "-" ? [] : text.split(",").map(Number);
};
export const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Every byte of the heaps is live, free or bookkeeping, and the list by size holds every free byte but the tops. */
export function assertAddsUp(fields: Fields): void {
  const arenaLive = numberOf(fields, "live_bytes") - numberOf(fields, "mmapped_bytes");
  const free = numberOf(fields, "free_bytes");
  const heap = numberOf(fields, "heap_bytes");
  assert.equal(arenaLive + free + numberOf(fields, "metadata_bytes"), heap, JSON.stringify([...fields]));
  assert.equal(sum(listOf(fields, "free_bytes_by_size")), free - numberOf(fields, "top_bytes"));
  assert.ok(sum(listOf(fields, "pinned_bytes_by_size")) <= free);
  assert.ok(numberOf(fields, "heap_resident_bytes") <= heap);
  assert.ok(numberOf(fields, "reclaimable_bytes") <= numberOf(fields, "whole_free_page_bytes"));
  assert.ok(numberOf(fields, "whole_free_page_bytes") <= free);
  assert.ok(numberOf(fields, "reclaimable_bytes") <= numberOf(fields, "free_resident_bytes"));
  assert.ok(numberOf(fields, "free_resident_bytes") <= free);
  assert.ok(numberOf(fields, "free_resident_bytes") <= numberOf(fields, "heap_resident_bytes"));
  assert.ok(numberOf(fields, "arena_bytes_max") <= heap);
  assert.ok(numberOf(fields, "arena_bytes_max") * numberOf(fields, "arena_count") >= heap);
  assert.equal(numberOf(fields, "walked_bytes"), heap);
}

/** glibc counts arena headers as used, mmapped chunks apart, and fastbins as free; these heaps have none in fastbins. */
export function assertAgrees(fields: Fields, truth: Fields): void {
  assertAddsUp(fields);
  const used = numberOf(fields, "live_bytes") - numberOf(fields, "mmapped_bytes") + numberOf(fields, "metadata_bytes");
  assertClose(used, numberOf(truth, "used"), 0.001, "used");
  assertClose(numberOf(fields, "free_bytes"), numberOf(truth, "free"), 0.001, "free");
  assertClose(numberOf(fields, "free_chunk_count"), numberOf(truth, "free_chunks"), 0.001, "free chunks");
  assertClose(numberOf(fields, "heap_bytes"), numberOf(truth, "arena"), 0.001, "heap");
  assert.equal(numberOf(fields, "mmapped_bytes"), numberOf(truth, "mmapped"));
  assert.equal(numberOf(fields, "mmapped_count"), numberOf(truth, "mmapped_count"));
}
