// Turns one part of a raw object into the Parquet files of the lake, one for each kind and event hour.
// Putting them into the store is left to the handler; their names depend on the raw key and the part's number alone.
import { createHash } from "node:crypto";
import { sampleKinds } from "../../schema/columns.ts";
import { lakeKey } from "../../schema/keys.ts";
import { writePacked } from "./parquet/write.ts";
import type { RawTables } from "./raw-object.ts";
import { partitionRows } from "./sort-rows.ts";

export interface LakeFile {
  readonly key: string;
  readonly bytes: Buffer;
}

/** Files one after another, so that only one is in memory; the last one is done when the generator is. */
export function* lakeFiles(tables: RawTables, name: string): Generator<LakeFile> {
  for (const kind of sampleKinds) {
    for (const { partition, rows } of partitionRows(kind, tables[kind])) {
      yield { key: lakeKey(kind, partition, name), bytes: writePacked(tables[kind], { rows }) };
    }
  }
}

/** 128 bits of SHA-256: a redelivered object overwrites its own files and, in practice, never another's. */
export const outputName = (source: string): string => createHash("sha256").update(source).digest("hex").slice(0, 32);

/** `<output name>-00000`: most objects have one part, and a larger one always the same parts. */
export const partName = (source: string, part: number): string => `${outputName(source)}-${String(part).padStart(5, "0")}`;
