// The order in which the lake keeps the rows of each kind of sample.
// Putting them into it is the converter's, and the compaction's.
import type { SampleKind } from "./columns.ts";

/** Rows of one service lie together, so that columns compress and a query for one service reads few row groups. */
export const sortColumns: Readonly<Record<SampleKind, readonly string[]>> = {
  process: ["service", "host_id", "pid", "sampled_at", "sequence"],
  host: ["host_id", "sampled_at", "sequence"],
  detail: ["service", "host_id", "pid", "sampled_at", "sequence"],
  collector: ["host_id", "sampled_at", "sequence"],
};
