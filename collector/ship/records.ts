// Rows become records: sorted so that gzip finds their likeness, within Firehose's limit, and cut to what Firehose bills.
// When to encode and where records wait is outbox.ts's.
import { gzipSync } from "node:zlib";
import { type HostIdentity, mapSamples, type Samples, sampleKinds } from "../../schema/columns.ts";
import { encodeBatch, RECORD_BYTES_MAX } from "../../schema/wire.ts";

export interface EncodedRecord {
  readonly bytes: Uint8Array;
  readonly rowCount: number;
}

/** Firehose bills each record rounded up to a multiple of 5 KiB. Source: Amazon Data Firehose pricing. */
export const BILLED_BYTES = 5 * 1_024;

/** Beyond this many units the empty part of the last one is less than what looking for the cut would cost. */
const CUT_UNITS_MAX = 12;
/** Encodings that looking for the cut may take: each is a millisecond for 30 processes and five minutes. */
const CUT_TRIES_MAX = 6;

/** One record for all rows, or as many halves as it takes to keep each within Firehose's limit. */
export function encodeRecords(host: HostIdentity, samples: Samples, bytesMax = RECORD_BYTES_MAX): EncodedRecord[] {
  const rowCount = rowCountOf(samples);
  if (rowCount === 0) return [];
  const bytes = gzipSync(encodeBatch(host, samples));
  if (bytes.length <= bytesMax || rowCount === 1) return [{ bytes, rowCount }];
  const half = (from: 0 | 1): Samples => mapSamples(samples, (rows) => halfOf(rows, from));
  return [...encodeRecords(host, half(0), bytesMax), ...encodeRecords(host, half(1), bytesMax)];
}

export interface Cut {
  readonly records: readonly EncodedRecord[];
  /** Newest process rows, which would have begun a further 5 KiB without filling them. */
  readonly rest: Samples["process"];
}

/**
 * As many of the rows, oldest first, as fill whole units of what Firehose bills; rows of the host and of the collector are
 * few and all go along. `rest` holds rows of the newest sampled_at alone, so that none waits for a second record after this one.
 */
export function encodeWholeUnits(host: HostIdentity, samples: Samples): Cut {
  const all = encodeRecords(host, byProcess(samples));
  const [only] = all;
  if (only === undefined || all.length > 1) return { records: all, rest: [] };
  const units = Math.floor(only.bytes.length / BILLED_BYTES);
  if (units === 0 || units > CUT_UNITS_MAX) return { records: all, rest: [] };
  const oldestFirst = [...samples.process].sort((a, b) => a.sampled_at - b.sampled_at || a.sequence - b.sequence);
  const newestMs = oldestFirst.at(-1)?.sampled_at;
  let fits = oldestFirst.findIndex((row) => row.sampled_at === newestMs);
  // Rows of one moment are due together.
  if (fits <= 0) return { records: all, rest: [] };
  let exceeds = oldestFirst.length;
  let best: EncodedRecord[] = [];
  let guess = Math.floor((oldestFirst.length * units * BILLED_BYTES) / only.bytes.length);
  for (let tries = 0; tries < CUT_TRIES_MAX && fits < exceeds; tries++) {
    const count = Math.min(Math.max(guess, fits), exceeds - 1);
    const records = encodeRecords(host, byProcess({ ...samples, process: oldestFirst.slice(0, count) }));
    if ((records[0]?.bytes.length ?? 0) > units * BILLED_BYTES || records.length > 1) exceeds = count;
    else {
      best = records;
      fits = count + 1;
    }
    guess = Math.floor((fits + exceeds) / 2);
  }
  // The newest minute alone is more than what would overflow: then the last unit is paid for in part.
  if (best.length === 0) return { records: all, rest: [] };
  return { records: best, rest: oldestFirst.slice(fits - 1) };
}

export const rowCountOf = (samples: Samples): number => sampleKinds.reduce((sum, kind) => sum + samples[kind].length, 0);

export const joined = (batches: readonly Samples[]): Samples => ({
  process: batches.flatMap((samples) => samples.process),
  host: batches.flatMap((samples) => samples.host),
  collector: batches.flatMap((samples) => samples.collector),
  detail: batches.flatMap((samples) => samples.detail),
});

/** Rows of one process lie together (by pid, then time): gzip finds their likeness, a third fewer bytes than in order of arrival. */
export const byProcess = (samples: Samples): Samples => ({
  ...samples,
  process: [...samples.process].sort((a, b) => a.pid - b.pid || a.sampled_at - b.sampled_at || a.sequence - b.sequence),
});

export function halfOf<T>(rows: readonly T[], from: 0 | 1): readonly T[] {
  const middle = Math.ceil(rows.length / 2);
  return from === 0 ? rows.slice(0, middle) : rows.slice(middle);
}
