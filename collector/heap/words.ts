// 64-bit words of a file that another program wrote, as numbers that may go into a row, or null.
// What the words mean is said in ring.ts and failures.ts.

/** Upper halves from here on belong to words beyond 2^53-1, as TIDEMARK_ABSENT is: a row cannot hold them. */
const UPPER_HALF_END = 2 ** 21;
/** Range of a JavaScript Date (ECMA-262, section 21.4.1.1). */
const TIME_MAX_MS = 8.64e15;

export interface Words {
  /** The word at this offset; null beyond 2^53-1. */
  count(offset: number): number | null;
  /** Milliseconds since 1970; null when no date is that late. */
  time(offset: number): number | null;
  /** Bins without the zeros at their end; null when any of them is not known. */
  histogram(offset: number, binCount: number): readonly number[] | null;
}

/** Little-endian, as the machines are that the shim is built for. */
export function wordsOf(bytes: Buffer, base: number): Words {
  const count = (offset: number): number | null => {
    // In halves: a ring has over a thousand words, and each BigInt would be an object of its own.
    const upper = bytes.readUInt32LE(base + offset + 4);
    return upper < UPPER_HALF_END ? upper * 2 ** 32 + bytes.readUInt32LE(base + offset) : null;
  };
  return {
    count,
    time(offset) {
      const ms = count(offset);
      return ms !== null && ms <= TIME_MAX_MS ? ms : null;
    },
    histogram(offset, binCount) {
      const bins = Array.from({ length: binCount }, (_, bin) => count(offset + bin * 8));
      return bins.every((bin) => bin !== null) ? bins.slice(0, bins.findLastIndex((bin) => bin > 0) + 1) : null;
    },
  };
}
