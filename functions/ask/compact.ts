// Writes the samples of an hour anew in few files, when many small ones have come together.
// The SELECTs are queries/compaction.ts; which hours are settled is the rollup's to know.
import { createHash } from "node:crypto";
import { type SampleKind, sampleKinds } from "../../schema/columns.ts";
import { lakeKey, lakePrefix, partitionOf, STAGING_PREFIX } from "../../schema/keys.ts";
import type { ObjectStore, QueryEngine } from "../edges.ts";
import { publish } from "./publish.ts";

/** Every file costs a reader a request; fewer than these are not worth a query and their writing. */
const FILES_MIN = 8;

export interface Compaction {
  readonly queries: QueryEngine;
  readonly lake: ObjectStore;
  readonly runId: string;
}

/** Returns how many files have gone. Rows that come meanwhile are in files that are not touched. */
export async function compactHour({ queries, lake, runId }: Compaction, hourMs: number): Promise<number> {
  let gone = 0;
  for (const kind of sampleKinds) gone += await compact({ queries, lake, runId }, kind, hourMs);
  return gone;
}

async function compact({ queries, lake, runId }: Compaction, kind: SampleKind, hourMs: number): Promise<number> {
  const partition = partitionOf(hourMs);
  // Listed before the query reads: whatever it may have missed is not on the list, and stays.
  const files = await Array.fromAsync(lake.list(lakePrefix(kind, partition)));
  if (files.length < FILES_MIN) return 0;
  const staging = `${STAGING_PREFIX}${kind}/${hourMs}-${runId}/`;
  await queries.unload(`compact_${kind}`, { dt_first: partition.dt, dt_last: partition.dt, hr: partition.hr }, staging);
  const published = await publish({
    lake,
    staging,
    // Named after the files that it holds: never the name of one of them, so that no file is overwritten with half its rows.
    keyOf: (part) => lakeKey(kind, partition, `compact-${digest(files)}-${String(part).padStart(5, "0")}`),
    replaced: files,
  });
  return files.length - published.length;
}

const digest = (files: readonly string[]): string => createHash("sha256").update(files.join("\n")).digest("hex").slice(0, 32);
