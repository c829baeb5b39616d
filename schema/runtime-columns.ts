// The columns of a process row that speak of a managed runtime: which one it is, and its own heap, which malloc does not see.
// The heap of malloc is in heap-columns.ts.
import type { Columns } from "./column.ts";

export const runtimeColumns = {
  runtime: {
    type: "string",
    unit: null,
    meaning: "jvm, node, python, ruby, go, php, dotnet or beam. NULL where none was recognised.",
  },
  runtime_version: { type: "string", unit: null, meaning: "Version of the runtime, where it can be told from outside." },
  runtime_heap_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Committed heap of the runtime, without metaspace and code. JVM: hsperfdata, which jstat reads as well. NULL elsewhere.",
  },
  runtime_heap_used_bytes: { type: "int64", unit: "bytes", meaning: "Of it, used when the JVM last wrote it down." },
  runtime_heap_used_after_gc_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Least use seen after a collection since the last row: growth of this is a leak. NULL when there was no collection.",
  },
  runtime_heap_limit_bytes: { type: "int64", unit: "bytes", meaning: "What the heap may grow to: -Xmx of a JVM." },
  gc_count: { type: "int64", unit: "count", meaning: "Collections since the process started, all collectors." },
  gc_pause_ms: { type: "int64", unit: "ms", meaning: "Time in collections since the process started, all collectors." },
} as const satisfies Columns;
