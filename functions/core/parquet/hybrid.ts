// Parquet's hybrid of run lengths and bit packing, for levels and for dictionary indices.
// Source: parquet-format Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)". Reading is the readers' own.

/** Widths up to this fit the accumulator of packGroups: 7 bits left over and one more value stay below 32. */
export const BIT_WIDTH_MAX = 24;

/** A run shorter than one packed group of 8 costs more as a run than inside the group. */
const RUN_LENGTH_MIN = 8;

type Integers = Uint8Array | Uint32Array;

/** Encodes `count` times the same value, below 2^bitWidth. */
export function encodeRun(value: number, count: number, bitWidth: number): Buffer {
  const out = Buffer.allocUnsafe(sizeMax(8, bitWidth));
  return out.subarray(0, writeRun(out, 0, value, count, bitWidth));
}

/** Encodes the first `count` of `values`, each below 2^bitWidth; no length prefix. */
export function encodeHybrid(values: Integers, count: number, bitWidth: number): Buffer {
  const out = Buffer.allocUnsafe(sizeMax(count, bitWidth));
  let size = 0;
  let at = 0;
  while (at < count) {
    const runEnd = endOfRun(values, at, count);
    if (runEnd - at >= RUN_LENGTH_MIN || runEnd === count) {
      size = writeRun(out, size, values[at] as number, runEnd - at, bitWidth);
      at = runEnd;
    } else {
      const packedEnd = endOfPacked(values, at, count);
      const groups = Math.ceil((packedEnd - at) / 8);
      size = writeVarint(out, size, groups * 2 + 1);
      size = packGroups(values, at, packedEnd, groups, bitWidth, out, size);
      at = packedEnd;
    }
  }
  return out.subarray(0, size);
}

function writeRun(out: Buffer, start: number, value: number, count: number, bitWidth: number): number {
  let size = writeVarint(out, start, count * 2);
  for (let shift = 0; shift < bitWidth; shift += 8) out[size++] = (value >>> shift) & 0xff;
  return size;
}

/** Every 8 values cost at most their packed bytes or a run's, and a header each. */
const sizeMax = (count: number, bitWidth: number): number => 16 + Math.ceil(count / 8) * (bitWidth + 6);

function endOfRun(values: Integers, from: number, count: number): number {
  const value = values[from];
  let at = from + 1;
  while (at < count && values[at] === value) at++;
  return at;
}

/** Packing goes on in groups of 8 until a group starts a run that is worth one, or the values end. */
function endOfPacked(values: Integers, from: number, count: number): number {
  let at = from + 8;
  while (at < count) {
    const value = values[at];
    let same = 1;
    while (same < RUN_LENGTH_MIN && at + same < count && values[at + same] === value) same++;
    if (same === RUN_LENGTH_MIN) return at;
    at += 8;
  }
  return count;
}

function packGroups(
  values: Integers,
  from: number,
  to: number,
  groups: number,
  bitWidth: number,
  out: Buffer,
  start: number,
): number {
  let size = start;
  let bits = 0;
  let bitCount = 0;
  for (let at = from; at < to; at++) {
    bits |= (values[at] as number) << bitCount;
    bitCount += bitWidth;
    while (bitCount >= 8) {
      out[size++] = bits & 0xff;
      bits >>>= 8;
      bitCount -= 8;
    }
  }
  if (bitCount > 0) out[size++] = bits & 0xff;
  // The last group is filled up with zeros; readers know from the page how many values count.
  const end = start + groups * bitWidth;
  out.fill(0, size, end);
  return end;
}

function writeVarint(out: Buffer, at: number, value: number): number {
  let size = at;
  let rest = value;
  while (rest > 0x7f) {
    out[size++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[size++] = rest;
  return size;
}
