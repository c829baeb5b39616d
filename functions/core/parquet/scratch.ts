// Working memory that all chunks of a file share: fresh arrays for each would cost more than filling them.
// What stands in it is anyone's guess; a chunk is done with it before the next one begins.

/** Each gives an array of at least `count` entries, with whatever the last chunk left in it. */
export interface Scratch {
  readonly numbers: (count: number) => Float64Array<ArrayBuffer>;
  readonly entries: (count: number) => Float64Array<ArrayBuffer>;
  readonly indices: (count: number) => Uint32Array<ArrayBuffer>;
  readonly slots: (count: number) => Uint32Array<ArrayBuffer>;
  readonly halves: (count: number) => Uint32Array<ArrayBuffer>;
}

export const createScratch = (): Scratch => ({
  numbers: growing((count) => new Float64Array(count)),
  entries: growing((count) => new Float64Array(count)),
  indices: growing((count) => new Uint32Array(count)),
  slots: growing((count) => new Uint32Array(count)),
  halves: growing((count) => new Uint32Array(count)),
});

function growing<T extends { readonly length: number }>(make: (count: number) => T): (count: number) => T {
  let held = make(0);
  return (count) => {
    if (held.length < count) held = make(count);
    return held;
  };
}
