// Turns one part of a raw object into the Parquet files of the lake, one for each kind and event hour.
// Putting them into the store is left to the handler; their names depend on the raw key and the part's number alone.
import { createHash } from "node:crypto";
import { type SampleKind, sampleKinds } from "../../schema/columns.ts";
import { HOUR_MS, lakeKey, partitionOf } from "../../schema/keys.ts";
import { writePacked } from "./parquet/write.ts";
import type { RawTables } from "./raw-object.ts";
import { partitionRows } from "./sort-rows.ts";

export interface LakeFile {
  readonly kind: SampleKind;
  /** Start of the hour whose rows it holds, ms since 1970. */
  readonly hourMs: number;
  readonly key: string;
  readonly bytes: Buffer;
}

/** Files one after another, so that only one is in memory; the last one is done when the generator is. */
export function* lakeFiles(tables: RawTables, name: string): Generator<LakeFile> {
  for (const kind of sampleKinds) {
    for (const { hourMs, rows } of partitionRows(kind, tables[kind])) {
      yield { kind, hourMs, key: lakeKey(kind, partitionOf(hourMs), name), bytes: writePacked(tables[kind], { rows }) };
    }
  }
}

/** 128 bits of SHA-256: a redelivered object overwrites its own files and, in practice, never another's. */
export const outputName = (source: string): string => createHash("sha256").update(source).digest("hex").slice(0, 32);

/** `<output name>-00000`: most objects have one part, and a larger one always the same parts. */
export const partName = (source: string, part: number): string => `${outputName(source)}-${String(part).padStart(5, "0")}`;

/** Hours for which a scheduled rollup still comes: the one that has just ended, and the one before it (rollup.ts). */
const HOURS_ROLLED_UP_ANYWAY = 2;

/** Whether these rows are written when the last rollup of their hour may have been: the hour has to be rolled up again. */
export const isLate = ({ kind, hourMs }: LakeFile, nowMs: number): boolean =>
  kind === "process" && hourMs + HOURS_ROLLED_UP_ANYWAY * HOUR_MS <= nowMs;
