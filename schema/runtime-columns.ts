// The columns of a process row that speak of a managed runtime: which one it is, and its own heap, which malloc does not see.
// The heap of malloc is in heap-columns.ts.
import type { Columns } from "./column.ts";

export const runtimeColumns = {
  runtime: {
    type: "string",
    unit: null,
    meaning: "jvm, node, python, ruby, go, php, dotnet or beam. NULL where none was recognised.",
  },
  runtime_version: {
    type: "string",
    unit: null,
    meaning:
      "Version of the runtime, where it can be told from outside: by the JVM's figures, by what Go's linker wrote, else by the path of the program or its library.",
  },
  runtime_heap_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Committed heap of the runtime, without metaspace and code. JVM: hsperfdata, which jstat reads as well. NULL elsewhere, and with -XX:-UsePerfData or -XX:+PerfDisableSharedMem.",
  },
  runtime_heap_used_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Of it, used when the JVM last wrote it down: within 50 ms with Serial and Parallel up to JDK 17 and with Shenandoah; at the last collection with later ones; with G1 then as well, and new objects by regions; at the last pause with ZGC.",
  },
  runtime_heap_used_after_gc_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Least use seen after a collection since the last row, which is looked for at every tick: survivors and old generation. Growth of its minimum over hours is a leak; after a young collection it may hold garbage that only the next old one finds. NULL when there was no collection, and with ZGC and Shenandoah, which do not tell it.",
  },
  runtime_heap_limit_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "What the heap may grow to: -Xmx of a JVM, or what it chose itself.",
  },
  gc_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Collections since the process started, all collectors, as jstat counts them: those under way too, and pauses of ZGC, Shenandoah and the concurrent cycles of G1.",
  },
  gc_pause_ms: {
    type: "int64",
    unit: "ms",
    meaning: "Time that the process stood still for collections since it started, all collectors (GCT of jstat).",
  },
} as const satisfies Columns;
