// The runtime columns of one row: which managed runtime it is, and a JVM's own heap as the JVM tells it.
// Recognising and reading are runtime/'s.
import { type Jvm, lookAtJvm, watchJvm } from "../runtime/jvm.ts";
import type { JvmFigures } from "../runtime/perf-data.ts";
import type { PerfDataOwner } from "../runtime/perf-file.ts";
import type { Measured, Watched } from "./watched.ts";

export interface RuntimeMoment extends PerfDataOwner {
  readonly virtualBytesMax: number | null;
}

export function measureRuntime(watched: Watched, { pid, uids, virtualBytesMax }: RuntimeMoment): Partial<Measured> {
  const { runtime, perfData } = watched;
  if (runtime?.runtime !== "jvm" || perfData === null) watched.jvm = null;
  else watched.jvm = watchJvm({ pid, uids }, perfData, watched.jvm);
  const figures = watched.jvm === null ? null : lookAtJvm(watched.jvm);
  if (watched.jvm === null || figures === null) return { ...runtime };
  return { ...runtime, ...jvmColumns(watched.jvm, figures, virtualBytesMax ?? Number.POSITIVE_INFINITY) };
}

/** A process may write what it likes; one that claims a petabyte must not stand in the fleet's sums. All of a heap is address space. */
function jvmColumns(jvm: Jvm, figures: JvmFigures, bytesMax: number): Partial<Measured> {
  const plausible = (bytes: number | null): number | null => (bytes === null || bytes > bytesMax ? null : bytes);
  const usedAfterGc = jvm.usedAfterGcBytesMin;
  jvm.usedAfterGcBytesMin = null;
  return {
    runtime_version: figures.version,
    runtime_heap_bytes: plausible(figures.heapBytes),
    runtime_heap_used_bytes: plausible(figures.heapUsedBytes),
    runtime_heap_used_after_gc_bytes: plausible(usedAfterGc),
    runtime_heap_limit_bytes: plausible(figures.heapLimitBytes),
    gc_count: figures.gcCount,
    gc_pause_ms: figures.gcPauseMs,
  };
}
