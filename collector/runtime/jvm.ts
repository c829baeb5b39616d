// What is known of a JVM between its rows: how many collections it had, and what was left after them.
// Reading its file is perf-file.ts's, what stands in it perf-data.ts's.
import type { MappedFile } from "../proc/maps.ts";
import { type JvmFigures, parsePerfData } from "./perf-data.ts";
import { type PerfDataOwner, readPerfData } from "./perf-file.ts";

export interface Jvm {
  readonly file: MappedFile;
  readonly owner: PerfDataOwner;
  /** Collections that were seen to have ended; null before the first look. */
  gcCount: number | null;
  /** Least use after a collection that ended since the last row; null when none was seen. */
  usedAfterGcBytesMin: number | null;
}

/** One that was seen before under the same file goes on counting. */
export const watchJvm = (owner: PerfDataOwner, file: MappedFile, known: Jvm | null): Jvm =>
  known !== null && known.file.path === file.path && known.file.inode === file.inode
    ? { ...known, file, owner }
    : { file, owner, gcCount: null, usedAfterGcBytesMin: null };

/** Reads what it says now, and notes what a collection has left. Null where nothing is said. */
export function lookAtJvm(jvm: Jvm): JvmFigures | null {
  const bytes = readPerfData(jvm.owner, jvm.file);
  const figures = bytes === null ? null : parsePerfData(bytes);
  if (!figures?.ok) return null;
  noteCollections(jvm, figures.value);
  return figures.value;
}

/** Of several collections between two looks the last one is seen. What was left before the first look is of unknown age. */
export function noteCollections(jvm: Jvm, { gcCount, isCollecting, usedAfterGcBytes }: JvmFigures): void {
  if (isCollecting || gcCount === jvm.gcCount) return;
  if (jvm.gcCount !== null && usedAfterGcBytes !== null) {
    jvm.usedAfterGcBytesMin = Math.min(jvm.usedAfterGcBytesMin ?? usedAfterGcBytes, usedAfterGcBytes);
  }
  jvm.gcCount = gcCount;
}
