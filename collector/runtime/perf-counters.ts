// The counters that a JVM keeps in a mapped file for jstat (hsperfdata), by name. Pure; whoever owns the file may lie.
// Form: version 2, hotspot/share/runtime/perfMemory.hpp, in use since JDK 5, checked with 17 and 25. What they say is perf-data.ts's.
import { err, ok, type Result } from "../../schema/result.ts";

const PROLOGUE_BYTES = 32;
const MAGIC = 0xca_fe_c0_c0;
const LITTLE_ENDIAN = 1;
const MAJOR_VERSION = 2;
const ENTRY_BYTES = 20;
/** OpenJDK 17 and 25 have 130 to 220 of them; a file with many more means to keep us busy. */
const ENTRIES_MAX = 4_096;
const NAME_LENGTH_MAX = 128;
const TEXT_LENGTH_MAX = 128;
const TYPE_LONG = "J".charCodeAt(0);
const TYPE_BYTE = "B".charCodeAt(0);

/** By name: a number as far as a double holds it, or a text. */
export type Counters = ReadonlyMap<string, number | string>;

/** Those about collections and versions; the reason, for people, where the bytes are no such file or not (yet) in order. */
export function readCounters(file: Buffer): Result<Counters, string> {
  if (file.length < PROLOGUE_BYTES || file.readUInt32BE(0) !== MAGIC) return err("no performance data");
  // What lies behind the used bytes is room for more counters.
  const bytes = file.subarray(0, Math.max(PROLOGUE_BYTES, file.readInt32LE(8)));
  const [order, major, , isAccessible] = bytes.subarray(4, 8);
  if (order !== LITTLE_ENDIAN || major !== MAJOR_VERSION) return err(`byte order ${order}, version ${major}`);
  if (isAccessible !== 1) return err("still being made");
  const counters = new Map<string, number | string>();
  // One text for all names: to cut each from the bytes would cost half as much again.
  const text = bytes.toString("latin1");
  const count = Math.min(bytes.readInt32LE(28), ENTRIES_MAX);
  let at = bytes.readInt32LE(24);
  for (let entry = 0; entry < count; entry++) {
    if (at < PROLOGUE_BYTES || at + ENTRY_BYTES > bytes.length) return err(`entry ${entry} lies at ${at} of ${bytes.length}`);
    const length = bytes.readInt32LE(at);
    if (length < ENTRY_BYTES || at + length > bytes.length) return err(`entry ${entry} has ${length} bytes`);
    const name = wantedName(text, at + bytes.readInt32LE(at + 4), at + length);
    const value = name === null ? null : counterValue(bytes, text, at, at + length);
    if (name !== null && value !== null) counters.set(name, value);
    at += length;
  }
  return ok(counters);
}

const WANTED = /sun\.gc\.|java\.property\.java\.v|sun\.os\.hrt\./y;

function wantedName(text: string, start: number, end: number): string | null {
  if (start < 0 || start >= end) return null;
  WANTED.lastIndex = start;
  return WANTED.test(text) ? untilNul(text.slice(start, Math.min(end, start + NAME_LENGTH_MAX))) : null;
}

function counterValue(bytes: Buffer, text: string, at: number, end: number): number | string | null {
  const [vectorLength, type, start] = [bytes.readInt32LE(at + 8), bytes[at + 12], at + bytes.readInt32LE(at + 16)];
  if (start < at || start > end) return null;
  if (type === TYPE_LONG && vectorLength === 0 && start + 8 <= end) return Number(bytes.readBigInt64LE(start));
  if (type !== TYPE_BYTE || vectorLength <= 0) return null;
  return untilNul(text.slice(start, Math.min(end, start + vectorLength, start + TEXT_LENGTH_MAX)));
}

const untilNul = (text: string): string => text.replace(/\0.*$/s, "");

/** Null where a figure is not there, or is less than nothing. */
export function numberOf(counters: Counters, name: string): number | null {
  const value = counters.get(name);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
