// /proc/self/auxv: page size and clock ticks, which Node does not tell. man 3 getauxval.
// Pairs of native words; 64-bit machines only, like the rest of the collector.
import { readFileSync } from "node:fs";
import { endianness } from "node:os";

const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

export interface Auxv {
  readonly pageBytes: number;
  readonly ticksPerSecond: number;
}

export function parseAuxv(bytes: Buffer): Auxv {
  const words = new Map<bigint, bigint>();
  const word = (at: number) => (endianness() === "LE" ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  for (let at = 0; at + 16 <= bytes.length; at += 16) words.set(word(at), word(at + 8));
  const [pageBytes, ticksPerSecond] = [words.get(AT_PAGESZ), words.get(AT_CLKTCK)];
  if (!pageBytes || !ticksPerSecond) throw new Error(`auxv of ${bytes.length} bytes has no page size or clock tick`);
  return { pageBytes: Number(pageBytes), ticksPerSecond: Number(ticksPerSecond) };
}

export const readAuxv = (): Auxv => parseAuxv(readFileSync("/proc/self/auxv"));
