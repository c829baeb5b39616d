// The wire format: one flush of one host is one line of column JSON in one gzip member, one Firehose record.
// Reading it back is decode.ts; compression and delivery are the collector's.
import type { Column, HostIdentity, SampleKind, Samples, Value } from "./columns.ts";
import { sampleKinds, tables } from "./columns.ts";

/** Bumped only when an older decoder would misread a newer batch; new columns do not count. */
export const WIRE_VERSION = 1;

/** Firehose takes records up to 1,000 KiB; a batch that would exceed it after gzip is split by its maker. */
export const RECORD_BYTES_MAX = 1_000 * 1_024;

/** Rows of one kind in one batch: far above a host's processes, far below what would hurt a decoder. */
export const BATCH_ROWS_MAX = 20_000;

interface WireSection {
  /** Rows in this section; every column array has this many entries. */
  n: number;
  c: Record<string, Value[]>;
}

export interface WireBatch {
  v: number;
  host: Record<string, Value>;
  k: Partial<Record<SampleKind, WireSection>>;
}

/**
 * One line of JSON, newline included: `{"v":1,"host":{...},"k":{"process":{"n":2,"c":{"pid":[1,2],...}}}}`.
 * Columns without any value are left out, and so are kinds without rows. Integers must lie within 2^53.
 */
export function encodeBatch(host: HostIdentity, samples: Samples): string {
  const batch: WireBatch = { v: WIRE_VERSION, host: { ...host }, k: {} };
  for (const kind of sampleKinds) {
    const rows: readonly Readonly<Record<string, Value | undefined>>[] = samples[kind];
    if (rows.length > 0) batch.k[kind] = { n: rows.length, c: pivot(kind, rows) };
  }
  return `${JSON.stringify(batch)}\n`;
}

function pivot(kind: SampleKind, rows: readonly Readonly<Record<string, Value | undefined>>[]): Record<string, Value[]> {
  const columns: Record<string, Value[]> = {};
  for (const [name, column] of Object.entries<Column>(tables[kind])) {
    if (column.perBatch) continue;
    const values = rows.map((row) => row[name] ?? null);
    if (values.some((value) => value !== null)) columns[name] = values;
  }
  return columns;
}
