// Takes a heap profile of one process from where it has one: the wrapper's samples, or its allocator's own by way of the shim.
// What to make of it is profile.ts's.
import { setTimeout as sleep } from "node:timers/promises";
import { readKernelFile } from "../../collector/proc/read.ts";
import { assertNever, err, ok, type Result } from "../../schema/result.ts";
import type { MappedRingOf } from "../measure-once.ts";
import { growthBetween, type HeapProfile, profileOf } from "./heap-profile.ts";
import { parseHeapText } from "./heap-text.ts";
import { type Mapping, parseMappings } from "./mappings.ts";
import { openMemory } from "./process-memory.ts";
import { heapTextOf, type ShimRefusal } from "./shim.ts";
import { hasWrapper, readWrapper, type WrapperSamples, type WrapperState } from "./wrapper.ts";

export interface Taken {
  readonly profile: HeapProfile;
  /** All mapped files, as they were when the profile was taken. */
  readonly mappings: readonly Mapping[];
}

export type TakeProblem = ShimRefusal | { readonly kind: "wrapper_off"; readonly state: Exclude<WrapperState, "on"> };

export interface TakeOptions {
  readonly pid: number;
  readonly allocator: string | null;
  /** The ring of the shim, where the process has one. */
  readonly ring: MappedRingOf | null;
  /** Null: what is live now. Else what is allocated from now on and live so much later. */
  readonly durationMs: number | null;
}

export async function takeProfile(options: TakeOptions): Promise<Result<Taken, TakeProblem>> {
  const mappings = mappingsOf(options.pid);
  if (hasWrapper(mappings)) return await fromWrapper(options);
  const { ring, allocator } = options;
  if (ring !== null && (allocator === "jemalloc" || allocator === "tcmalloc")) return await fromShim(options, allocator, ring);
  return err({ kind: "off", reason: "not_allowed" });
}

const mappingsOf = (pid: number): readonly Mapping[] => {
  const maps = readKernelFile(`/proc/${pid}/maps`);
  return maps.ok ? parseMappings(maps.value) : [];
};

async function fromWrapper({ pid, durationMs }: TakeOptions): Promise<Result<Taken, TakeProblem>> {
  let takenBefore = 0;
  if (durationMs !== null) {
    const before = lookAtWrapper(pid);
    if (!before.ok) return before;
    takenBefore = before.value.samples.takenCount;
    await sleep(durationMs);
  }
  const now = lookAtWrapper(pid);
  if (!now.ok) return now;
  const { samples, mappings } = now.value;
  // Born later: exactly what was allocated meanwhile, where two totals would also show what was freed.
  const young = samples.samples.filter(({ birth }) => birth > takenBefore);
  return ok({ profile: profileOf(young, { source: "wrapper", ...samples }), mappings });
}

function lookAtWrapper(pid: number): Result<{ samples: WrapperSamples; mappings: readonly Mapping[] }, TakeProblem> {
  try {
    const mappings = mappingsOf(pid);
    const memory = openMemory(pid);
    try {
      const read = readWrapper(memory, mappings);
      if (!read.ok) return err({ kind: "failed", why: `${read.error}.` });
      const { state } = read.value;
      return state === "on" ? ok({ samples: read.value, mappings }) : err({ kind: "wrapper_off", state });
    } finally {
      memory.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return err({ kind: "failed", why: `its memory cannot be read (${code}): ask as root, or with CAP_SYS_PTRACE.` });
  }
}

async function fromShim(
  { pid, durationMs }: TakeOptions,
  source: "jemalloc" | "tcmalloc",
  ring: MappedRingOf,
): Promise<Result<Taken, TakeProblem>> {
  const look = async (): Promise<Result<HeapProfile, TakeProblem>> => {
    const text = await heapTextOf(pid, ring);
    if (!text.ok) return text;
    const parsed = parseHeapText(text.value);
    if (!parsed.ok) return err({ kind: "failed", why: `its profile cannot be read: ${parsed.error}.` });
    return ok(profileOf(parsed.value.samples, { source, meanBytes: parsed.value.meanBytes, droppedCount: null }));
  };
  const first = await look();
  if (!first.ok || durationMs === null) return first.ok ? ok({ profile: first.value, mappings: mappingsOf(pid) }) : first;
  await sleep(Math.max(durationMs, SHIM_PAUSE_MS));
  const second = await look();
  return second.ok ? ok({ profile: growthBetween(first.value, second.value), mappings: mappingsOf(pid) }) : second;
}

/** The shim makes one at most every 5 seconds. */
const SHIM_PAUSE_MS = 5_500;

export function stateText(state: Exclude<WrapperState, "on">): string {
  switch (state) {
    case "not_started":
      return "the wrapper has not started in it yet. Ask again.";
    case "turned_off":
      return "the wrapper was told to stay out (TIDEMARK_PROFILE=0).";
    case "not_glibc":
      return "the wrapper stays out: its malloc is not glibc's, or another library's malloc comes before the wrapper.";
    case "secure":
      return "the wrapper stays out of set-user-ID programs.";
    default:
      return assertNever(state);
  }
}
