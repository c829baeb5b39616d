// The views that people and queries ask: one row per sample, however often it was delivered, and one per service and hour.
// Their columns are those of schema/; the same text is a view on Athena and on DuckDB.
import { type Columns, eventTimeColumn, type TableName, tables } from "../schema/columns.ts";
import { serviceHourColumns } from "../schema/made-columns.ts";

export const baseViews = {
  process: "process_samples",
  host: "host_samples",
  collector: "collector_samples",
  detail: "detail_samples",
  process_hour: "process_hours",
  finding: "findings",
  recommendation: "recommendations",
  saving: "savings",
} as const satisfies Record<TableName, string>;

/** What makes two rows of a table the same row; the event time belongs to it so that filters on it reach the files too. */
const identities: Readonly<Record<TableName, readonly string[]>> = {
  process: ["host_id", "boot_id", "sequence", "sampled_at"],
  host: ["host_id", "boot_id", "sequence", "sampled_at"],
  collector: ["host_id", "boot_id", "sequence", "sampled_at"],
  detail: ["host_id", "boot_id", "sequence", "sampled_at"],
  process_hour: ["host_id", "process_key", "hour"],
  finding: ["finding_id", "found_at"],
  recommendation: ["finding_id", "recommendation_id", "recommended_at"],
  saving: ["service", "environment", "recommendation_id", "setting", "changed_at", "verified_at"],
};

/**
 * SELECT text of the base view of a table. Duplicates share their event time, so the partition keys belong to the window's
 * PARTITION BY: engines may then push a filter on dt below it and read only the partitions asked for.
 */
export function baseViewSql(table: TableName): string {
  const columns = [...Object.keys(tables[table]), "dt", "hr"];
  return `SELECT
  ${columns.join(",\n  ")}
FROM (
  SELECT
    ${columns.join(",\n    ")},
    row_number() OVER (PARTITION BY dt, hr, ${identities[table].join(", ")} ORDER BY ${eventTimeColumn[table]}) AS delivery
  FROM ${table}
) AS deliveries
WHERE delivery = 1`;
}

export interface View {
  readonly name: string;
  /** Without the partition keys dt and hr, which every view has behind them. */
  readonly columns: Columns;
  readonly about: string;
  readonly sql: string;
}

/** All views, each after those that it reads. */
export const views = (): readonly View[] => [
  ...(Object.keys(tables) as TableName[]).map((table) => ({
    name: baseViews[table],
    columns: tables[table],
    about: `One row each of ${table}, however often it was delivered.`,
    sql: baseViewSql(table),
  })),
  {
    name: "service_hours",
    columns: serviceHourColumns,
    about: "One row per service, environment and hour: sums over its processes.",
    sql: serviceHoursSql,
  },
];

const sum = (column: string, as: string) => `CAST(sum(${column}) AS bigint) AS ${as}`;

/** dt and hr are grouped by, so that a filter on them reaches the files. */
const serviceHoursSql = `SELECT
  hour,
  service,
  environment,
  count(DISTINCT host_id) AS host_count,
  count(*) AS process_count,
  count(live_bytes_last) AS walked_process_count,
  ${sum("rss_bytes_last", "rss_bytes")},
  ${sum("rss_bytes_max", "rss_bytes_max")},
  ${sum("anon_bytes_last", "anon_bytes")},
  ${sum("live_bytes_last", "live_bytes")},
  ${sum("live_bytes_trough", "live_bytes_trough")},
  ${sum("free_resident_bytes_last", "free_resident_bytes")},
  ${sum("reclaimable_bytes_last", "reclaimable_bytes")},
  ${sum("rss_bytes_slope", "rss_bytes_slope")},
  max(vma_count_max) AS vma_count_max,
  ${sum("alloc_failure_count_last - alloc_failure_count_first", "alloc_failure_count")},
  max(cgroup_oom_kill_count_last - cgroup_oom_kill_count_first) AS cgroup_oom_kill_count,
  dt,
  hr
FROM process_hours
GROUP BY dt, hr, hour, service, environment`;
