// kill -9 at random moments, with the endpoint up and down in turn: whatever was in the spool when the collector died must arrive.
// The seed is printed; TIDEMARK_BENCH_KILLS says how often (200 unless told otherwise).
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { seededRandom } from "../../../local/seeded-random.ts";
import { decodeBatch } from "../../../schema/decode.ts";
import { startAws } from "../../aws/endpoint.ts";
import { throttled } from "../../aws/faults.ts";
import { make } from "../../native/target.ts";
import { newFolder, spoolIn } from "../../support/spool.ts";
import { alone, type BenchRow } from "../row.ts";

const KILLS = Number(process.env["TIDEMARK_BENCH_KILLS"] ?? "200");
const SEED = 6;
/** From before the first row to some shipments later. */
const LIFE_MS = { least: 350, most: 1_800 };
const entry = fileURLToPath(new URL("../../../collector/main.ts", import.meta.url));

export async function benchKilled(): Promise<BenchRow[]> {
  make("all");
  await using aws = await startAws();
  aws.s3.createBucket("raw");
  aws.firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  const folder = newFolder();
  const ringFolder = join(mkdtempSync(join(tmpdir(), "tidemark-")), "rings");
  const start = (): ChildProcess =>
    spawn(process.execPath, [entry], {
      env: {
        PATH: process.env["PATH"],
        ...aws.environment,
        TIDEMARK_FIREHOSE_STREAM: "samples",
        TIDEMARK_SPOOL_FOLDER: folder,
        TIDEMARK_RING_FOLDER: ringFolder,
        TIDEMARK_IMDS: "off",
        TIDEMARK_TICK_MS: "100",
        TIDEMARK_ROW_MS: "100",
        TIDEMARK_FLUSH_MS: "300",
        TIDEMARK_RSS_BYTES_MIN: "0",
      },
      stdio: "ignore",
    });
  process.stderr.write(`bench: kill -9 at ${KILLS} moments, seed ${SEED}\n`);
  const random = seededRandom(SEED);
  const promised = new Set<number>();
  for (let kill = 0; kill < KILLS; kill++) {
    if (random() < 0.5) aws.faults.inject({ service: "firehose", operation: "PutRecordBatch", ...throttled });
    else aws.faults.clear();
    const child = start();
    await sleep(LIFE_MS.least + random() * (LIFE_MS.most - LIFE_MS.least));
    child.kill("SIGKILL");
    await once(child, "exit");
    const spool = spoolIn(folder);
    for (const { bytes } of spool.take(Number.POSITIVE_INFINITY, true)) for (const row of sequencesIn(bytes)) promised.add(row);
    spool.close();
  }
  aws.faults.clear();
  const arrivals = () => {
    aws.firehose.flush();
    return aws.s3.keys("raw").flatMap((key) => sequencesIn(aws.s3.get("raw", key) ?? Buffer.alloc(0)));
  };
  const last = start();
  let found = arrivals();
  for (let tries = 0; tries < 600 && lostOf(promised, found) > 0; tries++) {
    await sleep(500);
    found = arrivals();
  }
  last.kill("SIGTERM");
  await once(last, "exit");
  found = arrivals();
  const distinct = new Set(found).size;
  return [
    alone(`kill -9 at ${KILLS} moments: rows in the spool that never arrived`, "rows", lostOf(promised, found), 0),
    alone(`kill -9 at ${KILLS} moments: rows promised`, "rows", promised.size),
    alone(`kill -9 at ${KILLS} moments: rows that came twice, which the base view removes`, "rows", found.length - distinct),
  ];
}

const lostOf = (promised: ReadonlySet<number>, found: readonly number[]): number => {
  const arrived = new Set(found);
  return [...promised].filter((sequence) => !arrived.has(sequence)).length;
};

/** Of all kinds: they draw on the same numbers. */
const sequencesIn = (bytes: Uint8Array): number[] =>
  gunzipSync(bytes)
    .toString()
    .split("\n")
    .slice(0, -1)
    .flatMap((line) =>
      Object.values(decodeBatch(line, Date.now()).tables).flatMap(({ columns }) => (columns["sequence"] ?? []) as number[]),
    );
