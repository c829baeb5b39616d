// The one table of columns: every name, type, unit and meaning from the wire to SQL and the docs.
// It leaves encoding to wire.ts, checking to decode.ts and Parquet to functions/core.

import type { Column, Columns } from "./column.ts";
import { detailColumns } from "./detail-columns.ts";
import { hostColumns } from "./host-columns.ts";
import { type batchIdentity, sampleIdentity } from "./identity-columns.ts";
import { findingColumns, processHourColumns, recommendationColumns, savingColumns } from "./made-columns.ts";
import { processColumns } from "./process-columns.ts";

export type { Column, Columns, ColumnType } from "./column.ts";
export { processColumns };

export const collectorColumns = {
  ...sampleIdentity,
  process_count: { type: "int64", unit: "count", meaning: "Processes watched in the row's last tick." },
  process_denied_count: {
    type: "int64",
    unit: "count",
    meaning: "Processes that could not be read for lack of privilege, in the last tick.",
  },
  process_skipped_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Processes large enough for a row that got none because the budget of an interval was spent; they come first in the next.",
  },
  process_gone_count: { type: "int64", unit: "count", meaning: "Processes that ended while being read, since the last row." },
  malformed_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Kernel files that did not parse or could not be read, and processes that could not be looked at, since the last row.",
  },
  row_count: { type: "int64", unit: "count", meaning: "Rows made since the last row of this kind." },
  row_dropped_count: {
    type: "int64",
    unit: "count",
    meaning: "Rows given up (delivery failed, buffer full) since the last row.",
  },
  delivery_failure_count: {
    type: "int64",
    unit: "count",
    meaning: "Deliveries that left records behind since the last row; the records wait and are sent later.",
  },
  spool_bytes: { type: "int64", unit: "bytes", meaning: "Files of the spool on the disk. NULL when there is no spool." },
  spool_row_count: {
    type: "int64",
    unit: "count",
    meaning: "Rows in the spool that are not delivered yet, those of the last minutes included. NULL when there is no spool.",
  },
  spool_damaged_count: {
    type: "int64",
    unit: "count",
    meaning: "Records of the spool found damaged or torn since the last row. NULL when there is no spool.",
  },
  walk_count: { type: "int64", unit: "count", meaning: "Heap walks that gave figures since the last row." },
  walk_unknown_count: { type: "int64", unit: "count", meaning: "Heap walks that ended in unknown since the last row." },
  walk_cpu_us: { type: "int64", unit: "us", meaning: "CPU time of all heap walks since the last row." },
  collector_cpu_us: {
    type: "int64",
    unit: "us",
    meaning: "CPU time of the collector itself since the last row, walks not counted.",
  },
  collector_rss_bytes: { type: "int64", unit: "bytes", meaning: "Resident set size of the collector." },
  tick_count: {
    type: "int64",
    unit: "count",
    meaning: "Looks at all processes since the last row: fewer than usual where there are so many that a look costs too much.",
  },
  tick_ms_max: { type: "int64", unit: "ms", meaning: "Longest tick since the last row." },
  detail_dropped_count: {
    type: "int64",
    unit: "count",
    meaning: "Detail rows of events that were not shipped, for there were more than an interval ships, since the last row.",
  },
  dead_ring_count: {
    type: "int64",
    unit: "count",
    meaning: "Ring files of ended processes that were read for the last time and removed since the last row.",
  },
} as const satisfies Columns;

/** Tables of the lake. The first four travel as samples on the wire; the others are made in the lake. */
export const tables = {
  process: processColumns,
  host: hostColumns,
  collector: collectorColumns,
  detail: detailColumns,
  process_hour: processHourColumns,
  finding: findingColumns,
  recommendation: recommendationColumns,
  saving: savingColumns,
} as const;

export type TableName = keyof typeof tables;
export const sampleKinds = ["process", "host", "collector", "detail"] as const satisfies readonly TableName[];
export type SampleKind = (typeof sampleKinds)[number];

/** Column of each table that says when a row happened; its UTC date and hour are the partition (keys.ts). */
export const eventTimeColumn = {
  process: "sampled_at",
  host: "sampled_at",
  collector: "sampled_at",
  detail: "sampled_at",
  process_hour: "hour",
  finding: "found_at",
  recommendation: "recommended_at",
  saving: "verified_at",
} as const satisfies Record<TableName, string>;

export type Value = string | number | readonly number[] | null;
type ValueOf<C extends Column> = C["type"] extends "string" ? string : C["type"] extends "int64[]" ? readonly number[] : number;
type RequiredNames<T extends Columns> = { [N in keyof T]: T[N] extends { required: true } ? N : never }[keyof T];
type NullableNames<T extends Columns> = Exclude<keyof T, RequiredNames<T>>;

/** A row of a table. Timestamps are milliseconds since 1970; a nullable column may be left out or null. */
export type Row<T extends Columns> = { [N in RequiredNames<T>]: ValueOf<T[N]> } & {
  [N in NullableNames<T>]?: ValueOf<T[N]> | null;
};

type PerBatchNames = keyof typeof batchIdentity;
/** What all rows of a batch share: who the host is. */
export type HostIdentity = Pick<Row<typeof processColumns>, PerBatchNames>;
export type ProcessSample = Omit<Row<typeof processColumns>, PerBatchNames>;
export type HostSample = Omit<Row<typeof hostColumns>, PerBatchNames>;
export type CollectorSample = Omit<Row<typeof collectorColumns>, PerBatchNames>;
export type DetailSample = Omit<Row<typeof detailColumns>, PerBatchNames>;
export type Finding = Row<typeof findingColumns>;
export type RecommendationRow = Row<typeof recommendationColumns>;
export type Saving = Row<typeof savingColumns>;
/** Samples of one flush, by kind. */
export interface Samples {
  readonly process: readonly ProcessSample[];
  readonly host: readonly HostSample[];
  readonly collector: readonly CollectorSample[];
  readonly detail: readonly DetailSample[];
}

export const noSamples: Samples = { process: [], host: [], collector: [], detail: [] };

/** The same change to the rows of every kind. */
export const mapSamples = (samples: Samples, change: <T>(rows: readonly T[], kind: SampleKind) => readonly T[]): Samples => ({
  process: change(samples.process, "process"),
  host: change(samples.host, "host"),
  collector: change(samples.collector, "collector"),
  detail: change(samples.detail, "detail"),
});

/** Columns of a table held column by column: every array has rowCount entries, absent values are null. */
export interface ColumnTable {
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, readonly Value[]>>;
}
