// Reads the samples that libtidemark-profile.so keeps, out of the memory of its process: nothing has to be asked of it.
// Layout: native/abi/tidemark_profile.h. Scaling them up is heap-profile.ts's.
import { err, ok, type Result } from "../../schema/result.ts";
import type { Samples } from "./heap-profile.ts";
import type { Mapping } from "./mappings.ts";
import type { ProcessMemory } from "./process-memory.ts";

const MAGIC = Buffer.from("TIDEMARK-PROFIL\0", "latin1");
const HEADER_BYTES = 96;
const VERSION = 1;
const SLOT_BYTES = 24;
const STACK_BYTES = 512;
const FRAMES_MAX = 63;
/** More than our library has: whoever says more is not our library. */
const SLOTS_MAX = 1 << 20;
const STACKS_MAX = 1 << 16;
/** The library's writable data is some pages long. */
const DATA_BYTES_MAX = 1 << 20;

const states = ["not_started", "on", "turned_off", "not_glibc", "secure"] as const;
export type WrapperState = (typeof states)[number];

export interface WrapperSamples {
  readonly state: WrapperState;
  readonly meanBytes: number;
  /** How many were ever taken: who was born later has a higher number. */
  readonly takenCount: number;
  readonly droppedCount: number;
  /** One for each block. */
  readonly samples: readonly (Samples & { readonly birth: number })[];
}

export const hasWrapper = (mappings: readonly Mapping[]): boolean => mappings.some(isWrapper);

const isWrapper = ({ path }: Mapping): boolean => path.endsWith("/libtidemark-profile.so");

/** What the process holds may be anything: nothing is believed that could not be so. */
export function readWrapper(memory: ProcessMemory, mappings: readonly Mapping[]): Result<WrapperSamples, string> {
  const found = findHeader(memory, mappings);
  if (found === null) return err("its library has no table of samples that this version knows");
  const { header, state } = found;
  const word = (offset: number): number => {
    const value = header.readBigUInt64LE(offset);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.NaN;
  };
  const [slotCount, stackCount] = [header.readUInt32LE(56), word(64)];
  const isSane = (word(32) >= 1 || state !== "on") && slotCount <= SLOTS_MAX && stackCount >= 1 && stackCount <= STACKS_MAX;
  if (!isSane) return err("the table of its samples cannot be");
  const about = { state, meanBytes: word(32), takenCount: word(72), droppedCount: word(80) };
  if (Object.values(about).some((value) => Number.isNaN(value))) return err("the counts of its samples cannot be");
  const first = memory.read(word(40), slotCount * SLOT_BYTES);
  const stacks = memory.read(word(48), stackCount * STACK_BYTES);
  // Again: a slot that has the same block in both readings was whole in the first one.
  const again = memory.read(word(40), slotCount * SLOT_BYTES);
  if (first === null || stacks === null || again === null) return err("its samples cannot be read");
  return ok({ ...about, samples: samplesOf(first, again, stacks) });
}

/** Counts of a process that has not started say nothing, so the mean is only asked for where it is on. */
function findHeader(memory: ProcessMemory, mappings: readonly Mapping[]): { header: Buffer; state: WrapperState } | null {
  for (const { start, end } of mappings.filter((mapping) => isWrapper(mapping) && mapping.rights.startsWith("rw-p"))) {
    const data = memory.read(start, Math.min(end - start, DATA_BYTES_MAX));
    for (let at = data?.indexOf(MAGIC) ?? -1; data !== null && at !== -1; at = data.indexOf(MAGIC, at + 1)) {
      const header = data.subarray(at, at + HEADER_BYTES);
      const isOurs = header.length === HEADER_BYTES && header.readBigUInt64LE(16) === BigInt(start + at);
      const state = isOurs && header.readUInt32LE(24) === VERSION ? states[header.readUInt32LE(28)] : undefined;
      if (state !== undefined) return { header: Buffer.from(header), state };
    }
  }
  return null;
}

function samplesOf(first: Buffer, again: Buffer, stacks: Buffer): WrapperSamples["samples"] {
  const samples: WrapperSamples["samples"][number][] = [];
  const known = new Map<number, readonly number[]>();
  for (let at = 0; at < first.length; at += SLOT_BYTES) {
    const address = first.readBigUInt64LE(at);
    // 1 stands in a slot that is being filled.
    if (address <= 1n || address !== again.readBigUInt64LE(at)) continue;
    const bytes = first.readUIntLE(at + 8, 6);
    const stack = first.readUInt16LE(at + 14);
    const frames = known.get(stack) ?? framesOf(stacks, stack);
    known.set(stack, frames);
    samples.push({ frames, count: 1, bytes, birth: Number(first.readBigUInt64LE(at + 16)) });
  }
  return samples;
}

function framesOf(stacks: Buffer, index: number): readonly number[] {
  const offset = index * STACK_BYTES;
  if (offset + STACK_BYTES > stacks.length) return [];
  const depth = Math.min(stacks.readUInt32LE(offset), FRAMES_MAX);
  const frames = Array.from({ length: depth }, (_, at) => Number(stacks.readBigUInt64LE(offset + 8 + at * 8)));
  return frames.filter((frame) => frame > 0 && Number.isSafeInteger(frame));
}
