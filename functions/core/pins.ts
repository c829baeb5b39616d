// Which sizes of live objects pin memory, from the histogram pinned_bytes_by_size.

/** Entry i of a histogram counts chunks of 2^(i+4) to 2^(i+5)-1 bytes (schema/columns.ts, free_bytes_by_size). */
const FIRST_BIN_LOG2 = 4;

export interface Pin {
  readonly chunk_bytes_min: number;
  readonly pinned_bytes: number;
}

/** The sizes that pin most, at most `countMax` of them, most first. */
export function largestPins(pinnedBytesBySize: readonly number[], countMax: number): readonly Pin[] {
  return pinnedBytesBySize
    .map((pinned_bytes, bin) => ({ chunk_bytes_min: 2 ** (bin + FIRST_BIN_LOG2), pinned_bytes }))
    .filter((pin) => pin.pinned_bytes > 0)
    .sort((a, b) => b.pinned_bytes - a.pinned_bytes)
    .slice(0, countMax);
}
