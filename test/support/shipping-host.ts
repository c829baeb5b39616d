// A host whose rows go through outbox and spool to a loopback Firehose, minute by minute by a clock of its own: an hour takes a second.
// What must become of the rows is said by the tests and benchmarks that use it.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { firehoseDelivery } from "../../collector/ship/firehose.ts";
import { createOutbox, type Delivery, type OutboxOptions } from "../../collector/ship/outbox.ts";
import type { ProcessSample } from "../../schema/columns.ts";
import { decodeBatch } from "../../schema/decode.ts";
import { clientFor } from "../aws/clients.ts";
import { startAws } from "../aws/endpoint.ts";
import { collectorSample, hostIdentity, processSample, samples } from "./samples.ts";
import { MIB } from "./spool.ts";

export const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
export const PROCESSES = 30;

export interface Host {
  /** One row interval: rows are added, and what is due is shipped. */
  minute(): Promise<void>;
  /** Sequences of all rows made. */
  readonly made: number[];
  readonly logs: string[];
  readonly outbox: ReturnType<typeof createOutbox>;
}

export function startHost(
  options: Partial<OutboxOptions> & {
    readonly delivery: Delivery;
    clock: { ms: number };
    first?: number;
    readonly processes?: number;
    /** Figures of one process and minute, where it matters how many there are and how they change. */
    readonly figuresOf?: (process: number, minute: number) => Partial<ProcessSample>;
  },
): Host {
  const logs: string[] = [];
  const made: number[] = [];
  let sequence = options.first ?? 0;
  const outbox = createOutbox({
    host: () => hostIdentity,
    bufferBytesMax: 64 * MIB,
    flushMs: 5 * MINUTE_MS,
    nowMs: () => options.clock.ms,
    random: () => 0.5,
    log: (message, fields) => void logs.push(`${message} ${JSON.stringify(fields ?? {})}`),
    ...options,
  });
  async function minute(): Promise<void> {
    options.clock.ms += MINUTE_MS;
    const sampled_at = START_MS + options.clock.ms;
    const process = Array.from({ length: options.processes ?? PROCESSES }, (_, pid) => {
      made.push(sequence);
      const figures = options.figuresOf?.(pid, options.clock.ms / MINUTE_MS) ?? { rss_bytes: (sequence * 7_919) % 100_000_007 };
      const row = processSample({ pid: pid + 1, ...figures, sampled_at, sequence });
      sequence++;
      return row;
    });
    outbox.add(samples({ process, collector: [collectorSample({ sampled_at, sequence: sequence++ })] }));
    await outbox.shipDue();
  }
  return { minute, made, logs, outbox };
}

export async function minutes(host: Host, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await host.minute();
}

/** Sequences in the bytes of records, which may hold several members and lines. */
export const sequencesOf = (records: readonly Uint8Array[]): number[] =>
  records.flatMap((record) =>
    gunzipSync(record)
      .toString()
      .split("\n")
      .slice(0, -1)
      .flatMap((line) => (decodeBatch(line, START_MS + 86_400_000).tables.process?.columns["sequence"] ?? []) as number[]),
  );

export async function streamed() {
  const aws = await startAws();
  aws.s3.createBucket("raw");
  aws.firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  const client = new FirehoseClient(clientFor(aws, 1));
  const delivery = firehoseDelivery({ stream: "samples", client, sleep: async () => undefined, random: () => 0.5 });
  const arrived = () => {
    aws.firehose.flush();
    return aws.s3.keys("raw").map((key) => aws.s3.get("raw", key) ?? Buffer.alloc(0));
  };
  return { aws, delivery, arrived, [Symbol.asyncDispose]: aws.close };
}

/** The most bytes that went out within any quarter of an hour. */
export const fullestQuarter = (sent: readonly { ms: number; bytes: number }[]): number =>
  Math.max(
    ...sent.map(({ ms: endMs }) =>
      sent.filter(({ ms }) => ms > endMs - 15 * MINUTE_MS && ms <= endMs).reduce((sum, { bytes }) => sum + bytes, 0),
    ),
  );

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

export function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
