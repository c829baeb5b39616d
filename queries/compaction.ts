// The queries that write the rows of an hour anew, in few files instead of many: one for each kind of sample.
// When an hour is compacted, and what becomes of its old files, is functions/rollup.ts's.
import { type SampleKind, sampleKinds, tables } from "../schema/columns.ts";
import { sortColumns } from "../schema/order.ts";
import { baseViews } from "./base-views.ts";
import { type NamedQuery, parseQuery } from "./named-query.ts";

export const compactionQuery = (kind: SampleKind): string => `compact_${kind}`;

/** They follow from the tables, as the base views do, so that a new column cannot be forgotten. */
export const compactionQueries = (): readonly NamedQuery[] =>
  sampleKinds.map((kind) => parseQuery(compactionQuery(kind), compactionSql(kind)));

function compactionSql(kind: SampleKind): string {
  const columns = Object.keys(tables[kind]);
  return `-- ${compactionQuery(kind)}: the ${kind} rows of one hour, each once, in the order in which the lake keeps them.
-- why:    many small files make every question slow; the hourly rollup unloads this and puts it in their place.
-- grain:  one row per host_id, boot_id, sequence
-- params: 1 dt_first varchar, 2 dt_last varchar, 3 hr bigint
-- result: ${columns.join(", ")}
SELECT
  s.${columns.join(",\n  s.")}
FROM ${baseViews[kind]} AS s
WHERE s.dt BETWEEN ? AND ?
  AND s.hr = ?
ORDER BY ${sortColumns[kind].join(", ")}
`;
}
