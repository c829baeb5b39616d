// Base views over the tables of the lake: one row per sample, however often it was delivered.
// Their columns are those of schema/columns.ts; the same text is a view on Athena and on DuckDB.
import { eventTimeColumn, type TableName, tables } from "../schema/columns.ts";

export const baseViews = {
  process: "process_samples",
  host: "host_samples",
  collector: "collector_samples",
  process_hour: "process_hours",
  finding: "findings",
} as const satisfies Record<TableName, string>;

/** What makes two rows of a table the same row; the event time belongs to it so that filters on it reach the files too. */
const identities: Readonly<Record<TableName, readonly string[]>> = {
  process: ["host_id", "boot_id", "sequence", "sampled_at"],
  host: ["host_id", "boot_id", "sequence", "sampled_at"],
  collector: ["host_id", "boot_id", "sequence", "sampled_at"],
  process_hour: ["host_id", "process_key", "hour"],
  finding: ["finding_id", "found_at"],
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
