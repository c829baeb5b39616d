// How long samples take from the measurement to the lake: when the file that holds a row was written, less the row's time.
import { join } from "node:path";
import { openLake } from "../../local/duckdb.ts";
import { LAKE_PREFIX } from "../../schema/keys.ts";
import type { S3 } from "./s3.ts";

/** Of each process row its first arrival, in order. */
export async function latenciesMs(s3: S3, bucket: string): Promise<readonly number[]> {
  const folder = s3.folderOf(bucket);
  const lake = await openLake(folder);
  try {
    const glob = join(folder, LAKE_PREFIX, "process", "*", "*", "*.parquet");
    const { rows } = await lake.query(
      `SELECT sequence, filename, epoch_ms(sampled_at) FROM read_parquet('${glob}', filename = true)`,
    );
    const first = new Map<string, number>();
    for (const [sequence, file, sampledAtMs] of rows) {
      const key = String(file).slice(folder.length + 1);
      const latency = (s3.written(bucket, key)?.writtenAtMs ?? Number.NaN) - Number(sampledAtMs);
      first.set(String(sequence), Math.min(latency, first.get(String(sequence)) ?? Number.POSITIVE_INFINITY));
    }
    return [...first.values()].sort((a, b) => a - b);
  } finally {
    lake.close();
  }
}

/** Nearest rank. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil((sorted.length * share) / 100) - 1)] ?? Number.NaN;
