// Rows on their way out: to the spool first, from memory to the stream, and from the spool what an outage left behind.
// Records are records.ts's, the disk spool.ts's; delivery is behind the Delivery interface (folder.ts, firehose.ts).
import { type CollectorSample, type HostIdentity, mapSamples, noSamples, type Samples } from "../../schema/columns.ts";
import { RECORD_BYTES_MAX } from "../../schema/wire.ts";
import { describeFailure } from "./advice.ts";
import { createDrain } from "./drain.ts";
import {
  BILLED_BYTES,
  byProcess,
  type EncodedRecord,
  encodeRecords,
  encodeWholeUnits,
  halfOf,
  joined,
  rowCountOf,
} from "./records.ts";
import type { Place, Spool } from "./spool.ts";
import { createTrouble, type Log } from "./trouble.ts";

export { encodeRecords } from "./records.ts";

export interface Delivery {
  /** Takes what it can; null when that was everything. Rejects when none could be taken. */
  deliver(records: readonly Uint8Array[]): Promise<Undelivered | null>;
}

export interface Undelivered {
  /** Places of the records that were not taken. */
  readonly indices: readonly number[];
  readonly error: Error;
}

export interface OutboxOptions {
  /** Who the host is, as far as it is known when a record is encoded. */
  host(): HostIdentity;
  readonly delivery: Delivery;
  /** Encoded records that wait in memory; with a spool only while the disk takes none. */
  readonly bufferBytesMax: number;
  /** Rows are shipped when this old, however few. */
  readonly flushMs: number;
  /** Throws when the folder cannot be used; asked again later. Without it everything waits in memory. */
  readonly openSpool?: (() => Spool) | null;
  /** A clock that is never set. */
  nowMs(): number;
  /** 0 to 1. */
  random(): number;
  readonly log: Log;
}

export interface Outbox {
  /** On the disk when it returns, if there is a spool; the collector's own row then says how the outbox stands. */
  add(samples: Samples): void;
  /** Ships what is due, and beside it some of what waits. Called once a row interval; what went wrong, null when nothing did. */
  shipDue(): Promise<Error | null>;
  /** Ships all that was added and all that waits in memory. */
  flush(): Promise<Error | null>;
  takeDroppedRowCount(): number;
  close(): void;
}

/**
 * Together this much makes a record before its time: rows of 200 processes and five minutes. Beyond it rows compress hardly
 * better, and all of them are in memory until they are merged.
 */
const AIMED_BYTES = 32 * BILLED_BYTES;
/** Rows are closed at whole intervals: what is nearly old enough at one of them must not wait for the next. */
const NEARLY_DUE = 0.9;
/** Between deliveries that fail: a random time up to this, doubled each time (full jitter), so that no fleet comes back at once. */
const BACKOFF_MS_FIRST = 30_000;
const BACKOFF_MS_MAX = 600_000;
/** A spool that cannot be opened is tried again: disks are mounted and made writable again without us. */
const SPOOL_RETRY_MS = 300_000;
/** What is drained travels as members of one record, so that small ones do not cost 5 KiB each. */
const PACKED_BYTES_MAX = RECORD_BYTES_MAX / 4;

/** Rows of one row interval. They are in memory to be merged with their neighbours, and at `place` to survive us. */
interface Batch {
  samples: Samples;
  readonly addedMs: number;
  readonly bytes: number;
  readonly place: Place | null;
}

/** Records that are delivered or kept together. */
interface Shipment {
  readonly records: readonly EncodedRecord[];
  /** Where their rows lie on the disk; null when they are in memory alone. */
  readonly places: readonly Place[] | null;
  /** Of the batch whose newest rows go with the next shipment. */
  readonly partly: Place | null;
  readonly isFresh: boolean;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { delivery, log, nowMs } = options;
  const drain = createDrain(nowMs);
  const spoolTrouble = createTrouble("spool", nowMs, log);
  const deliveryTrouble = createTrouble("delivery", nowMs, log);
  let spool: Spool | null = null;
  let nextOpenMs = Number.NEGATIVE_INFINITY;
  let pending: Batch[] = [];
  /** Oldest first; in memory because there is no disk. */
  let waiting: EncodedRecord[] = [];
  let droppedRowCount = 0;
  let failureCount = 0;
  let failuresInRow = 0;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  let running: Promise<Error | null> | null = null;

  openIfDue();

  function openIfDue(): void {
    if (spool !== null || !options.openSpool || nowMs() < nextOpenMs) return;
    nextOpenMs = nowMs() + SPOOL_RETRY_MS;
    onDisk(() => {
      spool = options.openSpool?.() ?? null;
    });
  }

  /** The disk may fail at any call; that is told once, and what it was asked for is done without it. */
  function onDisk<T>(use: () => T): T | null {
    try {
      return use();
    } catch (error) {
      spoolTrouble.note((error as NodeJS.ErrnoException).code ?? String(error), {
        error: describeFailure(error).text,
        now: "rows wait in memory until the disk takes them again",
      });
      return null;
    }
  }

  function add(given: Samples): void {
    openIfDue();
    const figures = given.collector.length > 0 ? takeFigures() : {};
    const samples = { ...given, collector: given.collector.map((row) => ({ ...row, ...figures })) };
    // A single row beyond the limit would be refused for ever, and everything behind it with it.
    for (const { part, bytes } of partsOf(options.host(), samples)) {
      if (bytes.length > RECORD_BYTES_MAX) droppedRowCount += rowCountOf(part);
      else pending.push({ samples: part, addedMs: nowMs(), bytes: bytes.length, place: toDisk(bytes, rowCountOf(part)) });
    }
  }

  function toDisk(bytes: Uint8Array, rowCount: number): Place | null {
    const disk = spool;
    if (disk === null) return null;
    const place = onDisk(() => disk.append(bytes, rowCount));
    if (place === null) return null;
    spoolTrouble.note(null);
    // What had to wait in memory while the disk was full is safe again.
    for (let oldest = waiting[0]; oldest !== undefined; oldest = waiting[0]) {
      const { bytes: old, rowCount: oldRows } = oldest;
      const moved = onDisk(() => disk.append(old, oldRows));
      if (moved === null) break;
      disk.giveBack([moved]);
      waiting.shift();
    }
    return place;
  }

  function takeFigures(): Partial<CollectorSample> {
    const state = spool?.state();
    const figures = {
      delivery_failure_count: failureCount,
      spool_bytes: state?.bytes ?? null,
      spool_row_count: state?.rowCount ?? null,
      spool_damaged_count: spool?.takeDamagedCount() ?? null,
    };
    failureCount = 0;
    return figures;
  }

  function ship(isAll: boolean): Promise<Error | null> {
    if (running !== null) return isAll ? running.then(() => ship(true)) : running;
    running = shipOnce(isAll).finally(() => {
      running = null;
    });
    return running;
  }

  async function shipOnce(isAll: boolean): Promise<Error | null> {
    const fresh = isAll || isDue() ? takePending(isAll) : [];
    for (const { records } of fresh) drain.noteFresh(records.reduce((sum, { bytes }) => sum + bytes.length, 0));
    if (nowMs() < retryAtMs && !(isAll && (waiting.length > 0 || fresh.some(({ places }) => places === null)))) {
      for (const shipment of fresh) keep(shipment);
      return null;
    }
    // Oldest first; what is new goes along each time, so that an hour's outage does not make the next hours late as well.
    const shipments = [...(onDisk(() => takeOld(isAll)) ?? []), ...fresh];
    const records = shipments.flatMap((shipment) => shipment.records);
    if (records.length === 0) return null;
    const left = await tryToDeliver(records);
    settle(shipments, new Set(left?.indices));
    if (left === null) {
      failuresInRow = 0;
      retryAtMs = Number.NEGATIVE_INFINITY;
      deliveryTrouble.note(null);
      return null;
    }
    failureCount++;
    drain.reset();
    retryAtMs = nowMs() + options.random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** failuresInRow++);
    const { kind, text, advice } = describeFailure(left.error);
    deliveryTrouble.note(kind, { error: text, advice });
    return new Error(`${left.indices.length} of ${records.length} records wait for delivery`, { cause: left.error });
  }

  function isDue(): boolean {
    const oldestMs = pending[0]?.addedMs;
    if (oldestMs === undefined) return false;
    const bytes = pending.reduce((sum, batch) => sum + batch.bytes, 0);
    return nowMs() - oldestMs >= options.flushMs * NEARLY_DUE || bytes >= AIMED_BYTES;
  }

  /** Rows on the disk and rows in memory alone never share a record: what is done about its failure differs. */
  function takePending(isAll: boolean): Shipment[] {
    const [onDiskToo, inMemory] = [
      pending.filter(({ place }) => place !== null),
      pending.filter(({ place }) => place === null),
    ];
    const isMixed = onDiskToo.length > 0 && inMemory.length > 0;
    pending = [];
    return [onDiskToo, inMemory].flatMap((batches) => {
      const samples = joined(batches.map((batch) => batch.samples));
      if (rowCountOf(samples) === 0) return [];
      const { records, rest } =
        isAll || isMixed
          ? { records: encodeRecords(options.host(), byProcess(samples)), rest: [] }
          : encodeWholeUnits(options.host(), samples);
      const last = rest.length > 0 ? batches.at(-1) : undefined;
      if (last !== undefined) pending = [{ ...last, samples: { ...noSamples, process: rest } }];
      const places = batches.flatMap(({ place }) => (place === null || place === last?.place ? [] : [place]));
      const isOnDisk = batches[0]?.place !== null;
      return [{ records, places: isOnDisk ? places : null, partly: last?.place ?? null, isFresh: true }];
    });
  }

  function takeOld(isAll: boolean): Shipment[] {
    const disk = spool;
    const old: Shipment[] = [];
    let members: Uint8Array[] = [];
    let places: Place[] = [];
    const pack = () => {
      if (places.length === 0) return;
      const rowCount = places.reduce((sum, place) => sum + place.rowCount, 0);
      old.push({ records: [{ bytes: Buffer.concat(members), rowCount }], places, partly: null, isFresh: false });
      [members, places] = [[], []];
    };
    for (const { bytes, ...place } of disk?.take(drain.allowance(), drain.isFull()) ?? []) {
      if (members.reduce((sum, member) => sum + member.length, bytes.length) > PACKED_BYTES_MAX) pack();
      members.push(bytes);
      places.push(place);
      drain.spend(bytes.length);
    }
    pack();
    for (let next = waiting[0]; next !== undefined && mayGo(next, isAll); next = waiting[0]) {
      waiting.shift();
      drain.spend(next.bytes.length);
      old.push({ records: [next], places: null, partly: null, isFresh: false });
    }
    return old;
  }

  const mayGo = ({ bytes }: EncodedRecord, isAll: boolean): boolean =>
    isAll || bytes.length <= drain.allowance() || drain.isFull();

  async function tryToDeliver(records: readonly EncodedRecord[]): Promise<Undelivered | null> {
    try {
      return await delivery.deliver(records.map((record) => record.bytes));
    } catch (cause) {
      return { indices: [...records.keys()], error: cause instanceof Error ? cause : new Error(String(cause)) };
    }
  }

  function settle(shipments: readonly Shipment[], left: ReadonlySet<number>): void {
    let index = 0;
    const inMemory: EncodedRecord[] = [];
    for (const shipment of shipments) {
      const undelivered = shipment.records.filter(() => left.has(index++));
      const { places } = shipment;
      if (places === null) inMemory.push(...undelivered);
      else if (undelivered.length > 0) keep(shipment);
      else onDisk(() => spool?.done(places));
    }
    waiting = [...inMemory, ...waiting];
    dropBeyondLimit();
  }

  function keep({ records, places, partly }: Shipment): void {
    if (places === null) {
      waiting.push(...records);
      dropBeyondLimit();
      return;
    }
    // The spool has the whole batch: the part of it that stayed behind would only be sent twice.
    if (partly !== null) pending = pending.filter(({ place }) => place !== partly);
    spool?.giveBack(partly === null ? places : [...places, partly]);
  }

  function dropBeyondLimit(): void {
    let bytes = waiting.reduce((sum, record) => sum + record.bytes.length, 0);
    while (bytes > options.bufferBytesMax) {
      const oldest = waiting.shift();
      if (oldest === undefined) break;
      bytes -= oldest.bytes.length;
      droppedRowCount += oldest.rowCount;
    }
  }

  return {
    add,
    shipDue: () => ship(false),
    flush: () => ship(true),
    takeDroppedRowCount() {
      const count = droppedRowCount + (spool?.takeDroppedRowCount() ?? 0);
      droppedRowCount = 0;
      return count;
    },
    close() {
      onDisk(() => spool?.close());
      spool = null;
    },
  };
}

/** The samples with their encoding, in halves where one record cannot hold them: a batch on the disk is one record. */
function partsOf(host: HostIdentity, samples: Samples): { part: Samples; bytes: Uint8Array }[] {
  const rowCount = rowCountOf(samples);
  const sorted = byProcess(samples);
  const records = encodeRecords(host, sorted, Number.POSITIVE_INFINITY);
  const [whole] = records;
  if (whole === undefined) return [];
  if (whole.bytes.length <= RECORD_BYTES_MAX || rowCount === 1) return [{ part: sorted, bytes: whole.bytes }];
  const half = (from: 0 | 1): Samples => {
    return mapSamples(sorted, (rows) => halfOf(rows, from));
  };
  return [...partsOf(host, half(0)), ...partsOf(host, half(1))];
}
