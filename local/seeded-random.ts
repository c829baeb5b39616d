// Random numbers that come again: for made samples, and for tests and benchmarks that print their seed.
// Nothing here is for secrets.

/** Numbers from 0 to below 1, the same for the same seed: mulberry32, which is in the public domain. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
