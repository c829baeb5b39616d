// From a raw object to sorted Parquet, in rows per CPU second: the converter's core beside DuckDB, and beside the least that
// any converter must do. What a million rows cost on Lambda follows from it; memory and other writers are neighbours'.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { prices } from "../../../functions/core/cost/prices.ts";
import { lakeFiles } from "../../../functions/core/lake-files.ts";
import { readRawObject } from "../../../functions/core/raw-object.ts";
import { alone, type BenchRow, beside } from "../row.ts";
import { ARRIVED_AT_MS, copyColumnJson, copyNdjson, type Input, makeInput } from "./input.ts";
import { inTurn, medianMs, type Run, speeds } from "./measure.ts";

/** MiB, as deployed: infra/stages/conversion.ts, which would bring the whole CDK along. */
const MEMORY = 1_769;
/** Hosts of 1,000 rows each. */
const SIZES = [
  { hosts: 100, rounds: 7 },
  { hosts: 500, rounds: 3 },
] as const;

export async function benchConversion(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const rows: BenchRow[] = [];
    for (const { hosts, rounds } of SIZES) rows.push(...(await benchSize(folder, await makeInput(folder, hosts), rounds)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function benchSize(folder: string, { rowCount, rawPath, ndjsonPath }: Input, rounds: number): Promise<BenchRow[]> {
  const raw = readFileSync(rawPath);
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const duckdb = await instance.connect();
  const copied = async (sql: (source: string, target: string) => string, source: string): Promise<number> => {
    const target = join(folder, "peer.parquet");
    if (existsSync(target)) rmSync(target);
    await duckdb.run(sql(source, target));
    return statSync(target).size;
  };
  const runs = await inTurn(rounds, {
    ours: () => convert(raw),
    ndjson: () => copied(copyNdjson, ndjsonPath),
    columnJson: () => copied(copyColumnJson, rawPath),
    least: () => inflateAndParse(raw),
  });
  duckdb.closeSync();
  instance.closeSync();
  const size = `${rowCount / 1_000}k rows`;
  const against = (theirs: readonly Run[], peer: string, target: number, what = "raw object to sorted Parquet") =>
    speeds(runs.ours, theirs, rowCount, { name: `${size}: ${what}`, peer, target });
  return [
    against(runs.ndjson, "DuckDB, 1 thread: read_json of NDJSON, ORDER BY, COPY zstd", 1),
    against(runs.columnJson, "DuckDB, 1 thread: read_json of the same column JSON, unnest, ORDER BY, COPY zstd", 0.9),
    against(runs.least, "the physical limit: inflate and JSON.parse alone", 0.5, "share of the physical limit"),
    beside(`${size}: Parquet, of raw ${raw.length.toLocaleString("en-US")}`, "bytes", runs.ours[0]?.result ?? 0, {
      peer: "DuckDB's, sorted, zstd",
      value: runs.ndjson[0]?.result ?? 0,
      // At most 1.06 times the peer's bytes.
      target: 0.94,
    }),
    alone(
      `${size}: a million rows on Lambda, ${MEMORY} MiB, conversion alone`,
      "dollars",
      dollarsPerMillion(runs.ours, rowCount),
    ),
  ];
}

export async function convert(raw: Buffer): Promise<number> {
  let bytes = 0;
  for await (const tables of readRawObject(Readable.from([raw]), { key: "raw/bench", arrivedAtMs: ARRIVED_AT_MS }).parts) {
    for (const file of lakeFiles(tables, "bench")) bytes += file.bytes.length;
  }
  return bytes;
}

/** No check of members, values or text, no order, no output: what is left cannot be done without. */
function inflateAndParse(raw: Buffer): number {
  let batches = 0;
  for (const line of gunzipSync(raw).toString("latin1").split("\n")) {
    if (line !== "") batches += JSON.parse(line) === null ? 0 : 1;
  }
  return batches;
}

/**
 * One core does the work and the function has more than one (1,769 MiB each), so that a second of its CPU is a second that
 * is billed. Start, waiting for S3 and the request itself come on top; so does whatever a Lambda's core is slower than this one.
 */
const dollarsPerMillion = (runs: readonly Run[], rowCount: number): number =>
  (medianMs(runs) / 1_000 / rowCount) * 1e6 * (MEMORY / 1_024) * prices.lambdaArmPerGbSecond;
