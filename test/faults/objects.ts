// Raw objects of made hosts, whole at first: what is done to them, truncated, flipped, blown up or of another version, is the tests'.
// Their rows count as promised: Firehose had taken them.
import { gzipSync } from "node:zlib";
import { encodeRecords } from "../../collector/ship/records.ts";
import type { HostIdentity, ProcessSample } from "../../schema/columns.ts";
import { encodeBatch } from "../../schema/wire.ts";
import { collectorSample, hostSample, processSample, samples } from "../support/samples.ts";

export interface MadeObject {
  readonly members: readonly Uint8Array[];
}

let made = 0;

/** A host of its own for each object, so that sequences never meet those of others. */
const nextHost = (): HostIdentity => ({ host_id: `made-${process.pid}-${made++}`, boot_id: "made", host_name: "made" });

/** A few members of a few dozen rows, as a minute of a small fleet. */
export function madeObject(random: () => number, nowMs: number): MadeObject {
  const count = 2 + Math.floor(random() * 5);
  return {
    members: Array.from({ length: count }, () => {
      const rows = Array.from({ length: 1 + Math.floor(random() * 40) }, (_, index) => ({
        pid: 100 + index,
        sampled_at: nowMs,
        sequence: index,
        rss_bytes: Math.floor(random() * 1e9),
      }));
      const [record] = encodeRecords(nextHost(), samplesOf(rows, nowMs));
      return record?.bytes ?? new Uint8Array();
    }),
  };
}

const samplesOf = (rows: readonly Partial<ProcessSample>[], sampled_at: number) =>
  samples({
    process: rows.map(processSample),
    host: [hostSample({ sampled_at, sequence: rows.length })],
    collector: [collectorSample({ sampled_at, sequence: rows.length + 1 })],
  });

/** What a collector of another version sends. */
export const otherVersions: Readonly<Record<string, (batch: string) => string>> = {
  "the next wire version": (batch) => batch.replace('"v":1', '"v":2'),
  "a wire version before the first": (batch) => batch.replace('"v":1', '"v":0'),
  "a column and a kind that are not known yet": (batch) => {
    const { k, ...rest } = JSON.parse(batch) as { k: Record<string, { n: number; c: Record<string, unknown[]> }> };
    const { process: rows = { n: 0, c: {} } } = k;
    const novel = { ...rows, c: { ...rows.c, colour_of_heap: rows.c["pid"]?.map(() => "blue") ?? [] } };
    const kind = { n: 1, c: { sequence: [1_000_000], sampled_at: [rows.c["sampled_at"]?.[0] ?? 0] } };
    return `${JSON.stringify({ ...rest, k: { ...k, process: novel, soul: kind } })}\n`;
  },
  "no more columns than the oldest collector had": (batch) => {
    const { k, ...rest } = JSON.parse(batch) as { k: Record<string, { n: number; c: Record<string, unknown[]> }> };
    const old = new Set(["sampled_at", "sequence", "pid", "process_key", "service"]);
    const cut = Object.entries(k).map(([kind, { n, c }]) => {
      return [kind, { n, c: Object.fromEntries(Object.entries(c).filter(([name]) => old.has(name))) }];
    });
    return `${JSON.stringify({ ...rest, k: Object.fromEntries(cut) })}\n`;
  },
};

export function otherVersion(change: (batch: string) => string, random: () => number, nowMs: number): Uint8Array {
  const rows = Array.from({ length: 1 + Math.floor(random() * 20) }, (_, index) => {
    return { pid: 100 + index, sampled_at: nowMs, sequence: index, rss_bytes: 1_000 + index };
  });
  return gzipSync(change(encodeBatch(nextHost(), samplesOf(rows, nowMs))));
}

/** A member that inflates to a thousand times its size, and to more than the converter takes of one. */
export const bomb = (): Uint8Array => gzipSync(Buffer.alloc(128 * 1_024 * 1_024, 0x20), { level: 9 });

const TEXT_LENGTH = 1_000;
const LARGE_ROWS = 200;

/**
 * An object of this size and more, stored rather than compressed: each member fills a Firehose record, with texts of the greatest length.
 */
export function largeObject(bytesMin: number, nowMs: number): MadeObject {
  const text = (index: number) => `${index} `.padEnd(TEXT_LENGTH, "x");
  const members: Uint8Array[] = [];
  for (let bytes = 0; bytes < bytesMin; bytes += members.at(-1)?.length ?? bytesMin) {
    const rows = Array.from({ length: LARGE_ROWS }, (_, index) => ({
      pid: 100 + index,
      sampled_at: nowMs,
      sequence: index,
      service: text(index),
      environment: text(index),
      tunables: text(index),
      service_version: text(index),
    }));
    members.push(gzipSync(encodeBatch(nextHost(), samples({ process: rows.map(processSample) })), { level: 0 }));
  }
  return { members };
}
