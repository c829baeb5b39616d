// What a ring file says: the bytes that the shim leaves for us become a header, the newest record and the last answer.
// Layout: native/abi/tidemark_abi.h. Finding and reading the file is ring-file.ts's; the file of failures is failures.ts's.
import { err, ok, type Result } from "../../schema/result.ts";
import { type Header, headerOf, RING_KIND } from "./ring-header.ts";
import { wordsOf } from "./words.ts";

export const RING_BYTES = 20_480;
const HEADER_BYTES = 4_096;
const RECORD_BYTES = 1_024;
const RECORD_COUNT = 16;
export const REQUEST_OFFSET = 2_048;
const ANSWER_OFFSET = 2_304;
const SIZE_BIN_COUNT = 32;

/** In the order of struct tidemark_record, from RECORD_FIGURES_OFFSET on; the names are columns. */
const figureNames = [
  "heap_bytes",
  "heap_resident_bytes",
  "live_bytes",
  "active_bytes",
  "free_bytes",
  "free_chunk_bytes_max",
  "reclaimable_bytes",
  "dirty_bytes",
  "muzzy_bytes",
  "retained_bytes",
  "metadata_bytes",
  "cache_bytes",
  "bin_waste_bytes",
  "arena_count",
] as const;
const RECORD_FIGURES_OFFSET = 32;
const listNames = ["free_bytes_by_size", "pinned_bytes_by_size"] as const;
const LISTS_OFFSET = RECORD_FIGURES_OFFSET + figureNames.length * 8;

/** Figures that the allocator does not tell are null, and so are those beyond 2^53: no heap is that large. */
export type RingFigures = { readonly [N in (typeof figureNames)[number]]: number | null } & {
  readonly [N in (typeof listNames)[number]]: readonly number[] | null;
};

export interface RingRecord {
  readonly number: number;
  readonly sampledMs: number;
  readonly probe_cpu_us: number | null;
  readonly figures: RingFigures;
}

const outcomes = [
  "none",
  "done",
  "not_allowed",
  "rate_limited",
  "never_quiet",
  "unsupported",
  "profiling_off",
  "failed",
] as const;
export type ReliefOutcome = (typeof outcomes)[number];

/** What the shim did about the request of that number. */
export interface ReliefAnswer {
  readonly request_number: number;
  readonly outcome: ReliefOutcome;
  readonly bytes_asked: number | null;
  readonly resident_bytes_before: number | null;
  readonly resident_bytes_after: number | null;
  readonly bytes_returned: number | null;
  readonly duration_us: number | null;
  readonly cpu_us: number | null;
  readonly answered_ms: number | null;
}

export interface Ring {
  readonly header: Header;
  /** Newest first; empty while the shim has written none, or is writing the only one. */
  readonly records: readonly RingRecord[];
  /** The last request, number 0 while there was none; null when its words are nonsense. */
  readonly request: { readonly number: number; readonly notAfterMs: number } | null;
  /** Null while there was none, or while it is written. */
  readonly answer: ReliefAnswer | null;
}

/**
 * The ring from two readings of its file, one after the other, or what is wrong with it. A writer may be at work: a record
 * counts when its sequence lock is even and the same in both readings, for then the first reading of it was whole.
 */
export function parseRing(bytes: Buffer, again: Buffer = bytes): Result<Ring, string> {
  if (bytes.length !== RING_BYTES || again.length !== RING_BYTES)
    return err(`ring of ${bytes.length} bytes, not ${RING_BYTES}`);
  const header = headerOf(bytes, {
    kind: RING_KIND,
    file_bytes: RING_BYTES,
    header_bytes: HEADER_BYTES,
    record_bytes: RECORD_BYTES,
    record_count: RECORD_COUNT,
  });
  if (!header.ok) return header;
  const records = Array.from({ length: RECORD_COUNT }, (_, slot) => recordOf(bytes, again, slot)).filter((it) => it !== null);
  return ok({
    header: header.value,
    records: records.sort((one, other) => other.number - one.number),
    request: requestOf(bytes),
    answer: answerOf(bytes, again),
  });
}

const isWhole = (bytes: Buffer, again: Buffer, lockOffset: number): boolean => {
  const lock = bytes.readUInt32LE(lockOffset);
  return lock !== 0 && lock % 2 === 0 && lock === again.readUInt32LE(lockOffset);
};

function recordOf(bytes: Buffer, again: Buffer, slot: number): RingRecord | null {
  const offset = HEADER_BYTES + slot * RECORD_BYTES;
  if (!isWhole(bytes, again, offset)) return null;
  const words = wordsOf(bytes, offset);
  const [number, sampledMs] = [words.count(8), words.time(16)];
  // Record n lies in slot (n - 1) % 16: anything else was not written by the shim.
  if (number === null || sampledMs === null || number < 1 || (number - 1) % RECORD_COUNT !== slot) return null;
  const figures = Object.fromEntries([
    ...figureNames.map((name, at) => [name, words.count(RECORD_FIGURES_OFFSET + at * 8)]),
    ...listNames.map((name, at) => [name, words.histogram(LISTS_OFFSET + at * SIZE_BIN_COUNT * 8, SIZE_BIN_COUNT)]),
  ]) as RingFigures;
  return { number, sampledMs, probe_cpu_us: words.count(24), figures };
}

function requestOf(bytes: Buffer): Ring["request"] {
  const words = wordsOf(bytes, REQUEST_OFFSET);
  const [number, notAfterMs] = [words.count(0), words.time(24)];
  return number === null || notAfterMs === null ? null : { number, notAfterMs };
}

function answerOf(bytes: Buffer, again: Buffer): ReliefAnswer | null {
  if (!isWhole(bytes, again, ANSWER_OFFSET)) return null;
  const outcome = outcomes[bytes.readUInt32LE(ANSWER_OFFSET + 4)];
  const words = wordsOf(bytes, ANSWER_OFFSET);
  const request_number = words.count(8);
  if (outcome === undefined || outcome === "none" || request_number === null) return null;
  // Nothing was measured where nothing was done, whatever stands there.
  const figure = (offset: number) => (outcome === "done" ? words.count(offset) : null);
  return {
    request_number,
    outcome,
    bytes_asked: words.count(16),
    resident_bytes_before: figure(24),
    resident_bytes_after: figure(32),
    bytes_returned: figure(40),
    duration_us: figure(48),
    cpu_us: figure(56),
    answered_ms: words.time(64),
  };
}
