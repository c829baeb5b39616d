// Rows on their way out: encoded into records of bounded size, kept until delivered, dropped oldest first when too many.
// Delivery itself is behind the Delivery interface (folder.ts on one machine, firehose.ts on AWS).
import { gzipSync } from "node:zlib";
import type { HostIdentity, Samples } from "../../schema/columns.ts";
import { sampleKinds } from "../../schema/columns.ts";
import { encodeBatch, RECORD_BYTES_MAX } from "../../schema/wire.ts";

export interface Delivery {
  /** Takes what it can; null when that was everything. Rejects when none could be taken. */
  deliver(records: readonly Uint8Array[]): Promise<Undelivered | null>;
}

export interface Undelivered {
  /** Places of the records that were not taken. */
  readonly indices: readonly number[];
  readonly error: Error;
}

interface EncodedRecord {
  readonly bytes: Uint8Array;
  readonly rowCount: number;
}

export interface Outbox {
  add(samples: Samples): void;
  /** Encodes what was added and delivers all that waits; returns what went wrong, null when nothing did. */
  flush(): Promise<Error | null>;
  takeDroppedRowCount(): number;
}

export function createOutbox(host: HostIdentity, delivery: Delivery, bufferBytesMax: number): Outbox {
  let added: Samples[] = [];
  let waiting: EncodedRecord[] = [];
  let droppedRowCount = 0;

  const dropBeyondLimit = () => {
    let bytes = waiting.reduce((sum, record) => sum + record.bytes.length, 0);
    while (bytes > bufferBytesMax) {
      const oldest = waiting.shift();
      if (oldest === undefined) break;
      bytes -= oldest.bytes.length;
      droppedRowCount += oldest.rowCount;
    }
  };

  const tryToDeliver = async (): Promise<Undelivered | null> => {
    try {
      return await delivery.deliver(waiting.map((record) => record.bytes));
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      return { indices: [...waiting.keys()], error };
    }
  };

  return {
    add(samples) {
      added.push(samples);
    },
    async flush() {
      for (const record of encodeRecords(host, merge(added))) {
        // A single row beyond the limit would be refused for ever, and everything behind it with it.
        if (record.bytes.length > RECORD_BYTES_MAX) droppedRowCount += record.rowCount;
        else waiting.push(record);
      }
      added = [];
      dropBeyondLimit();
      if (waiting.length === 0) return null;
      const left = await tryToDeliver();
      if (left === null) {
        waiting = [];
        return null;
      }
      const offered = waiting.length;
      const places = new Set(left.indices);
      waiting = waiting.filter((_, index) => places.has(index));
      return new Error(`${waiting.length} of ${offered} records wait for delivery`, { cause: left.error });
    },
    takeDroppedRowCount() {
      const count = droppedRowCount;
      droppedRowCount = 0;
      return count;
    },
  };
}

/** One record for all rows, or as many halves as it takes to keep each within Firehose's limit. */
export function encodeRecords(host: HostIdentity, samples: Samples, bytesMax = RECORD_BYTES_MAX): EncodedRecord[] {
  const rowCount = sampleKinds.reduce((sum, kind) => sum + samples[kind].length, 0);
  if (rowCount === 0) return [];
  const bytes = gzipSync(encodeBatch(host, samples));
  if (bytes.length <= bytesMax || rowCount === 1) return [{ bytes, rowCount }];
  const half = (from: 0 | 1): Samples => ({
    process: halfOf(samples.process, from),
    host: halfOf(samples.host, from),
    collector: halfOf(samples.collector, from),
  });
  return [...encodeRecords(host, half(0), bytesMax), ...encodeRecords(host, half(1), bytesMax)];
}

function halfOf<T>(rows: readonly T[], from: 0 | 1): readonly T[] {
  const middle = Math.ceil(rows.length / 2);
  return from === 0 ? rows.slice(0, middle) : rows.slice(middle);
}

/** Rows of one process lie together (by pid, then time): gzip finds their likeness, a third fewer bytes than in order of arrival. */
function merge(added: readonly Samples[]): Samples {
  return {
    process: added
      .flatMap((samples) => samples.process)
      .sort((a, b) => a.pid - b.pid || a.sampled_at - b.sampled_at || a.sequence - b.sequence),
    host: added.flatMap((samples) => samples.host),
    collector: added.flatMap((samples) => samples.collector),
  };
}
