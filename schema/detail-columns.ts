// The columns of a detail row: the last hour of one process at the pace of ticks, shipped only when something happened to it.
// What happened, and when, stands in each of its rows.
import type { Columns } from "./column.ts";
import { sampleIdentity } from "./identity-columns.ts";

export const detailColumns = {
  ...sampleIdentity,
  pid: { type: "int64", unit: null, required: true, meaning: "Process id in the host's pid namespace." },
  process_key: { type: "string", unit: null, required: true, meaning: "Boot, pid and start time in one word." },
  service: { type: "string", unit: null, required: true, meaning: "Who the process works for." },
  comm: { type: "string", unit: null, meaning: "The kernel's name of the process." },
  event: {
    type: "string",
    unit: null,
    required: true,
    meaning: "Why the rows are here: death, oom_kill, alloc_failure or burst.",
  },
  event_at: {
    type: "timestamp",
    unit: null,
    required: true,
    meaning: "When that was noticed. Of a death while the collector was away: the time of its return.",
  },
  rss_bytes: { type: "int64", unit: "bytes", meaning: "Resident set size: /proc/pid/statm." },
  shared_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of rss_bytes, file mappings and shared memory: the third field of statm. The rest is anonymous.",
  },
  virtual_bytes: { type: "int64", unit: "bytes", meaning: "Address space: the first field of statm." },
  major_fault_count: { type: "int64", unit: "count", meaning: "Page faults that waited for io since the process started." },
  thread_count: { type: "int64", unit: "count", meaning: "Threads: field 20 of /proc/pid/stat." },
} as const satisfies Columns;
