// Values as bytes: PLAIN encoding and the smallest and largest value of a chunk.
// Source: parquet-format Encodings.md, "Plain (PLAIN = 0)"; which values to write is decided in chunk.ts.
import type { Scratch } from "./scratch.ts";

/** Bytes as they stand in Statistics: PLAIN without a length. Null when there is no value. */
export interface Extremes {
  readonly min: Buffer;
  readonly max: Buffer;
}

const UINT32 = 2 ** 32;

/** Integers within 2^53 as 64-bit little-endian, written in halves because BigInt would cost ten times as much. */
export function plainInt64(values: Float64Array, count: number, scratch: Scratch): Buffer {
  const halves = scratch.halves(count * 2);
  for (let at = 0; at < count; at++) {
    const value = values[at] as number;
    halves[at * 2] = value;
    halves[at * 2 + 1] = Math.floor(value / UINT32);
  }
  return Buffer.from(halves.buffer, 0, count * 8);
}

export const plainDouble = (values: Float64Array, count: number): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, count * 8);

const LENGTH_BYTES = 4;

/** Each text as its length in bytes and its UTF-8. */
export function plainStrings(values: readonly string[]): Buffer {
  // One UTF-16 unit is at most three bytes of UTF-8.
  let sizeMax = 0;
  for (const value of values) sizeMax += LENGTH_BYTES + value.length * 3;
  const out = Buffer.allocUnsafe(sizeMax);
  let size = 0;
  for (const value of values) {
    const written = writeUtf8(out, size + LENGTH_BYTES, value);
    out[size] = written;
    out[size + 1] = written >>> 8;
    out[size + 2] = written >>> 16;
    out[size + 3] = written >>> 24;
    size += LENGTH_BYTES + written;
  }
  return out.subarray(0, size);
}

/** Names are short and nearly always ASCII, where a loop beats a call into the engine's encoder. */
function writeUtf8(out: Buffer, start: number, text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return out.write(text, start);
    out[start + at] = code;
  }
  return text.length;
}

export function int64Extremes(values: Float64Array, count: number): Extremes | null {
  const range = rangeOf(values, count);
  return range && { min: int64Bytes(range[0] as number), max: int64Bytes(range[1] as number) };
}

function int64Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

/** Zeros are widened to -0 and +0, because readers may tell them apart (parquet.thrift, ColumnOrder). */
export function doubleExtremes(values: Float64Array, count: number): Extremes | null {
  const range = rangeOf(values, count);
  if (range === null) return null;
  if (range[0] === 0) range[0] = -0;
  if (range[1] === 0) range[1] = 0;
  return { min: plainDouble(range.subarray(0, 1), 1), max: plainDouble(range.subarray(1), 1) };
}

/**
 * In byte order of UTF-8, which is what Parquet means by order. JavaScript compares UTF-16 units; the two differ
 * once a character beyond U+D7FF occurs, so then the bytes themselves are compared.
 */
export function stringExtremes(values: readonly string[]): Extremes | null {
  let min = values[0];
  let max = values[0];
  if (min === undefined || max === undefined) return null;
  for (const value of values) {
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  if (!values.some((value) => BEYOND_COMMON_ORDER.test(value))) return { min: Buffer.from(min), max: Buffer.from(max) };
  const encoded = values.map((value) => Buffer.from(value));
  return {
    min: encoded.reduce((least, bytes) => (bytes.compare(least) < 0 ? bytes : least)),
    max: encoded.reduce((most, bytes) => (bytes.compare(most) > 0 ? bytes : most)),
  };
}

const BEYOND_COMMON_ORDER = /[\ud800-\uffff]/;

function rangeOf(values: Float64Array, count: number): Float64Array<ArrayBuffer> | null {
  if (count === 0) return null;
  let min = values[0] as number;
  let max = min;
  for (let at = 1; at < count; at++) {
    const value = values[at] as number;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return Float64Array.of(min, max);
}
