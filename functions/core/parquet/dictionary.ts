// Finds out whether a chunk's values repeat enough for a dictionary, and numbers them if so.
// Writing entries and indices as bytes is left to values.ts and chunk.ts.
import type { NumberedTexts } from "./gather.ts";
import type { Scratch } from "./scratch.ts";

/** The bit width of indices stays within 16, far inside BIT_WIDTH_MAX; larger dictionaries would save little. */
const ENTRIES_MAX = 65_536;
/** The first look at whether a column repeats; then again whenever twice as many values were seen. */
const PROBE_VALUES = 2_048;
/** Above this share of distinct values a dictionary is not tried further. Shares from 0.1 to 0.9 changed size by 4 %, time by 10 %. */
const DISTINCT_SHARE_MAX = 0.5;

/** Entries in the order of their first appearance; the first `indexCount` of indices tell which entry each value is. */
export interface Dictionary<Entries> {
  readonly entries: Entries;
  readonly entryCount: number;
  readonly indices: Uint32Array;
  readonly indexCount: number;
}

const isProbe = (seen: number): boolean => seen >= PROBE_VALUES && (seen & (seen - 1)) === 0;

const worthwhile = (entryCount: number, valueCount: number): boolean =>
  entryCount > 0 && entryCount <= valueCount * DISTINCT_SHARE_MAX;

/** Texts are numbered already; what remains is whether that pays. */
export function textDictionary({ texts, indices }: NumberedTexts, valueCount: number): Dictionary<readonly string[]> | null {
  if (texts.length > ENTRIES_MAX || !worthwhile(texts.length, valueCount)) return null;
  return { entries: texts, entryCount: texts.length, indices, indexCount: valueCount };
}

/** A Map was as fast as a hash table of our own wherever values repeat enough to matter. */
export function numberDictionary(values: Float64Array, valueCount: number, scratch: Scratch): Dictionary<Float64Array> | null {
  const indexOf = new Map<number, number>();
  const entries = scratch.entries(Math.min(valueCount, ENTRIES_MAX));
  const indices = scratch.indices(valueCount);
  // Rows are sorted, so many values equal their predecessor, and comparing is cheaper than hashing.
  let previous = Number.NaN;
  let index = 0;
  for (let at = 0; at < valueCount; at++) {
    const value = values[at] as number;
    if (value !== previous) {
      previous = value;
      const known = indexOf.get(value);
      if (known === undefined) {
        index = indexOf.size;
        if (index === ENTRIES_MAX) return null;
        indexOf.set(value, index);
        entries[index] = value;
      } else {
        index = known;
      }
    }
    indices[at] = index;
    if (isProbe(at) && !worthwhile(indexOf.size, at)) return null;
  }
  const entryCount = indexOf.size;
  return worthwhile(entryCount, valueCount) ? { entries, entryCount, indices, indexCount: valueCount } : null;
}
