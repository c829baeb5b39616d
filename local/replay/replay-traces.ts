// Traces as the hosts of a fleet would send them: encoded, delivered and converted by the code that does it for live rows.
// Reading them is trace.ts's. Every row says that it is replayed: its host, its environment and its collector's version.
import { createHash } from "node:crypto";
import { folderDelivery } from "../../collector/ship/folder.ts";
import { encodeRecords } from "../../collector/ship/outbox.ts";
import { type HostIdentity, noSamples, type ProcessSample } from "../../schema/columns.ts";
import { ROW_AGE_MAX_MS } from "../../schema/decode.ts";
import { pendingConverter } from "../convert-pending.ts";
import { type ConversionTotals, stderrLog } from "../log.ts";
import type { Trace } from "./trace.ts";

export const REPLAYED = "replay";

export interface ReplayOptions {
  readonly folder: string;
  /** When the last row is to lie, ms since 1970. */
  readonly endMs: number;
  /** On each of them every trace runs once. */
  readonly hosts: number;
  /** How often each trace is played, one play after the other. */
  readonly repeat: number;
  /** Times that the recorded distances between rows are stretched by. */
  readonly stretch: number;
  readonly totals: ConversionTotals;
  readonly progress: (hostsDone: number) => void;
}

/** Rows in one raw object: what Firehose would have gathered from a host in some minutes or hours. */
const OBJECT_ROWS = 20_000;
const ROW_MS = 60_000;
/** Traces of one host begin together and have pids of their own. */
const PID_FIRST = 1_000;

/** Throws when the rows would be older than the converter takes. */
export async function replayTraces(traces: readonly Trace[], options: ReplayOptions): Promise<void> {
  const { stretch, repeat, endMs } = options;
  const lengthMs = Math.max(...traces.map(playMs)) * stretch;
  const spanMs = lengthMs * (repeat - 1) + Math.max(...traces.map(lastOffsetMs)) * stretch;
  if (spanMs > ROW_AGE_MAX_MS) {
    const days = (ms: number) => `${(ms / 86_400_000).toFixed(1)} days`;
    throw new Error(`the replay spans ${days(spanMs)}, the converter takes rows up to ${days(ROW_AGE_MAX_MS)} old`);
  }
  const startMs = endMs - spanMs;
  const nowMs = () => endMs;
  const name = nameOf(traces, { stretch, repeat, endMs });
  const converter = pendingConverter(options.folder, { log: stderrLog, report: options.totals.add, nowMs });
  for (let host = 0; host < options.hosts; host++) {
    const identity = hostOf(host, name);
    const delivery = folderDelivery({ folder: options.folder, name: `${identity.host_id}-${name}`, nowMs });
    let rows: ProcessSample[] = [];
    const send = async () => {
      if (rows.length > 0) await delivery.deliver(recordsOf(identity, rows));
      rows = [];
    };
    let sequence = 1;
    for (const row of playedRows(traces, identity, { startMs, lengthMs, ...options })) {
      rows.push({ ...row, sequence: sequence++ });
      if (rows.length === OBJECT_ROWS) await send();
    }
    await send();
    if ((await converter.convertPending()) > 0) throw new Error("some rows could not be converted; the lines above say why");
    options.progress(host + 1);
  }
}

/** A play lasts until the next row would come; a trace of one row has no step, and takes a minute as a row in production does. */
const playMs = ({ rows }: Trace): number => {
  const last = rows.at(-1)?.offsetMs ?? 0;
  const beforeLast = rows.at(-2)?.offsetMs;
  return last + (beforeLast === undefined ? ROW_MS : last - beforeLast);
};

const lastOffsetMs = ({ rows }: Trace): number => rows.at(-1)?.offsetMs ?? 0;

/**
 * The same for the same replay, which therefore overwrites itself, and another for every other one: two replays into one
 * folder must not take each other's objects or rows for their own.
 */
const nameOf = (traces: readonly Trace[], settings: Pick<ReplayOptions, "stretch" | "repeat" | "endMs">): string =>
  createHash("sha256")
    .update(JSON.stringify([traces, settings]))
    .digest("hex")
    .slice(0, 8);

function* playedRows(
  traces: readonly Trace[],
  { boot_id }: HostIdentity,
  { startMs, lengthMs, repeat, stretch }: Pick<ReplayOptions, "repeat" | "stretch"> & { startMs: number; lengthMs: number },
): Generator<Omit<ProcessSample, "sequence">> {
  for (let play = 0; play < repeat; play++) {
    for (const [index, { name, rows }] of traces.entries()) {
      for (const { offsetMs, measured } of rows) {
        yield {
          ...measured,
          sampled_at: Math.round(startMs + play * lengthMs + offsetMs * stretch),
          pid: PID_FIRST + index,
          process_key: `${boot_id}-${PID_FIRST + index}-${index + 1}`,
          service: name,
          environment: REPLAYED,
        };
      }
    }
  }
}

const hostOf = (host: number, name: string): HostIdentity => ({
  host_id: `${REPLAYED}-${host + 1}`,
  boot_id: `${REPLAYED}-${name}-${host + 1}`,
  host_name: `${REPLAYED}-${host + 1}`,
  collector_version: REPLAYED,
});

const recordsOf = (host: HostIdentity, process: readonly ProcessSample[]): Uint8Array[] =>
  encodeRecords(host, { ...noSamples, process }).map(({ bytes }) => bytes);
