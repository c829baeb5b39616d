// Where things lie in the bucket, and in the folder that stands for it. Pure text; the stores are elsewhere.
import type { TableName } from "./columns.ts";

/** Prefix of Firehose's objects: arrival time, not event time. */
export const RAW_PREFIX = "raw/";
export const LAKE_PREFIX = "lake/";
export const REJECTS_PREFIX = "rejects/";
/** Thresholds, mutes and maintenance windows of alerts: written by people, never by us. */
export const ALERT_CONFIG_KEY = "config/alerts.json";
/** Drawn pages of reports. */
export const REPORTS_PREFIX = "reports/";
/** Heap profiles and their flame graphs, made when somebody asked for one; a host's are on the host. */
export const PROFILES_PREFIX = "profiles/";
/** Marks of hours that got rows after they were rolled up; each goes when its hour has been rolled up again. */
export const LATE_PREFIX = "late/";
/** Files that an engine has written and that are not in their place yet; what a failed run leaves here expires. */
export const STAGING_PREFIX = "staging/";

export interface Partition {
  /** UTC date, `2026-11-23`. */
  readonly dt: string;
  /** UTC hour, 0 to 23. */
  readonly hr: number;
}

export const HOUR_MS = 3_600_000;

export function partitionOf(timeMs: number): Partition {
  const iso = new Date(timeMs).toISOString();
  return { dt: iso.slice(0, 10), hr: Number(iso.slice(11, 13)) };
}

const path = ({ dt, hr }: Partition) => `dt=${dt}/hr=${String(hr).padStart(2, "0")}`;

/** `raw/dt=2026-11-23/hr=12/`: where objects arrive at this time. */
export const rawPrefix = (arrivedAtMs: number) => `${RAW_PREFIX}${path(partitionOf(arrivedAtMs))}/`;

/** `raw/dt=2026-11-23/hr=12/<name>.ndjson.gz`: concatenated gzip members, as Firehose writes them. */
export const rawKey = (arrivedAtMs: number, name: string) => `${rawPrefix(arrivedAtMs)}${name}.ndjson.gz`;

/** `lake/process/dt=2026-11-23/hr=12/`: where the files of an hour lie. */
export const lakePrefix = (table: TableName, partition: Partition) => `${LAKE_PREFIX}${table}/${path(partition)}/`;

/** `lake/process/dt=2026-11-23/hr=12/<name>.parquet`; the same name overwrites on redelivery. */
export const lakeKey = (table: TableName, partition: Partition, name: string) =>
  `${lakePrefix(table, partition)}${name}.parquet`;

/** `late/dt=2026-11-23/hr=12/<name>`: a mark that this object brought rows for the hour when it was over. */
export const lateKey = (hourMs: number, name: string) => `${LATE_PREFIX}${path(partitionOf(hourMs))}/${name}`;

/** Start of the hour that a mark is about, ms since 1970; null when it is no mark. */
export function hourOfLateKey(key: string): number | null {
  const [, date, hour] = /^late\/dt=(\d{4}-\d{2}-\d{2})\/hr=(\d{2})\/./.exec(key) ?? [];
  const hourMs = Date.parse(`${date}T${hour}:00:00Z`);
  return Number.isNaN(hourMs) ? null : hourMs;
}

/** `profiles/dt=2026-11-23/<name>`: what was made on that day. */
export const profileKey = (madeAtMs: number, name: string) => `${PROFILES_PREFIX}dt=${partitionOf(madeAtMs).dt}/${name}`;

/** `rejects/dt=2026-11-23/hr=12/<name>.ndjson`, one line a reason. */
export const rejectsKey = (arrivedAtMs: number, name: string) =>
  `${REJECTS_PREFIX}${path(partitionOf(arrivedAtMs))}/${name}.ndjson`;
