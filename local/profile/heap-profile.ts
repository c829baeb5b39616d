// What every source of samples becomes: bytes and blocks by stack, scaled up to what they stand for.
// Where samples come from is wrapper.ts's and heap-text.ts's; names and drawings are made of this.

export interface StackBytes {
  /** Return addresses, innermost first; empty for what could not be told apart. */
  readonly frames: readonly number[];
  /** Estimates: each sample stands for its share of all allocations of its size. */
  readonly bytes: number;
  readonly blocks: number;
}

export type ProfileSource = "wrapper" | "jemalloc" | "tcmalloc";

export interface HeapProfile {
  readonly source: ProfileSource;
  /** Mean bytes between samples. */
  readonly meanBytes: number;
  /** Largest first. */
  readonly stacks: readonly StackBytes[];
  /** Samples that the estimates are made of. */
  readonly sampleCount: number;
  /** Samples that found no room in the process; null where the source does not count them. */
  readonly droppedCount: number | null;
}

/** Blocks of one size on one stack, as they were sampled. */
export interface Samples {
  readonly frames: readonly number[];
  readonly count: number;
  /** Of all of them together. */
  readonly bytes: number;
}

/**
 * How many blocks of that size one sample stands for. Distances between samples are exponential, so a block is sampled with the
 * probability 1 - exp(-size / mean). Source: gperftools docs/heapprofile, jemalloc doc_internal/PROFILING_INTERNALS.md.
 */
export const weightOf = (sizeBytes: number, meanBytes: number): number => 1 / -Math.expm1(-Math.max(sizeBytes, 1) / meanBytes);

/** The samples by stack, scaled up. */
export function profileOf(
  samples: Iterable<Samples>,
  { source, meanBytes, droppedCount }: Pick<HeapProfile, "source" | "meanBytes" | "droppedCount">,
): HeapProfile {
  const byStack = new Map<string, { frames: readonly number[]; bytes: number; blocks: number }>();
  let sampleCount = 0;
  for (const { frames, count, bytes } of samples) {
    if (count <= 0 || bytes <= 0) continue;
    const key = frames.join();
    const stack = byStack.get(key) ?? { frames, bytes: 0, blocks: 0 };
    const weight = weightOf(bytes / count, meanBytes);
    stack.bytes += bytes * weight;
    stack.blocks += count * weight;
    sampleCount += count;
    byStack.set(key, stack);
  }
  const stacks = [...byStack.values()].sort((one, other) => other.bytes - one.bytes);
  return { source, meanBytes, stacks, sampleCount, droppedCount };
}

/** From the call into the allocator on: its own frames say nothing, and differ from one path through it to another. */
export function beginningAtCallers(profile: HeapProfile, isAllocators: (frame: number) => boolean): HeapProfile {
  const byStack = new Map<string, StackBytes>();
  for (const { frames, bytes, blocks } of profile.stacks) {
    const first = frames.findIndex((frame) => !isAllocators(frame));
    const kept = first === -1 ? [] : frames.slice(first);
    const same = byStack.get(kept.join());
    byStack.set(kept.join(), { frames: kept, bytes: bytes + (same?.bytes ?? 0), blocks: blocks + (same?.blocks ?? 0) });
  }
  return { ...profile, stacks: [...byStack.values()].sort((one, other) => other.bytes - one.bytes) };
}

/** What each stack has more of in the second one. Where it has less, more was freed than allocated: left out. */
export function growthBetween(before: HeapProfile, after: HeapProfile): HeapProfile {
  const then = new Map(before.stacks.map((stack) => [stack.frames.join(), stack]));
  const stacks = after.stacks
    .map((stack) => {
      const { bytes = 0, blocks = 0 } = then.get(stack.frames.join()) ?? {};
      return { ...stack, bytes: stack.bytes - bytes, blocks: Math.max(stack.blocks - blocks, 0) };
    })
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes);
  return { ...after, stacks };
}

export const totalBytes = ({ stacks }: HeapProfile): number => stacks.reduce((sum, { bytes }) => sum + bytes, 0);
