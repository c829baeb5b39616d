// What the collector costs at its defaults, shipping to a loopback Firehose: CPU and memory beside 200 processes that come and go,
// and what Firehose would bill for 30. TIDEMARK_BENCH_MINUTES says for how long (10 unless told otherwise).

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { BILLED_BYTES } from "../../../collector/ship/records.ts";
import { decodeBatch } from "../../../schema/decode.ts";
import { type AwsEndpoint, startAws } from "../../aws/endpoint.ts";
import { alone, type BenchRow, lacking } from "../row.ts";
import { slopePerHour, troughGrowth } from "./trend.ts";
import { startWorld, type World } from "./world.ts";

const MINUTES = Number(process.env["TIDEMARK_BENCH_MINUTES"] ?? "10");
/** Start-up, the first looks at everything, and the first shipment are not what a host pays for all year. */
const WARM_UP_MS = 60_000;
const LOOK_MS = 10_000;
const MIB = 1_024 * 1_024;
const KIB = 1_024;

export async function benchCost(): Promise<BenchRow[]> {
  if (process.geteuid?.() !== 0) return [lacking("the collector's cost", "%", "pid namespaces take root")];
  const [large, small] = await Promise.all([watch(200, 5), watch(30, 0)]);
  const hours = (MINUTES * 60_000) / 3_600_000;
  return [
    alone(`CPU at 200 processes, defaults, ${MINUTES} min, walker included`, "% of a core", large.cpuShare * 100, 0.3),
    alone("RSS, the Firehose client shipping, largest", "MiB", Math.max(...large.rss) / MIB, 60),
    alone("anonymous memory, largest", "MiB", Math.max(...large.anon) / MIB, 25),
    alone(`growth of anonymous memory an hour, over ${hours.toFixed(2)} h`, "MiB", slopePerHour(large.anon, LOOK_MS) / MIB, 0),
    alone("the same, of its own troughs in thirds of the time", "MiB", troughGrowth(large.anon) / MIB, 0),
    alone("billed by Firehose for 1000 rows at 30 processes", "KiB", small.billedBytesPer1000 / KIB, 110),
    alone("billed by Firehose for 1000 rows at 200 processes", "KiB", large.billedBytesPer1000 / KIB, 110),
  ];
}

interface Watched {
  readonly cpuShare: number;
  readonly rss: readonly number[];
  readonly anon: readonly number[];
  readonly billedBytesPer1000: number;
}

async function watch(processes: number, churnSeconds: number): Promise<Watched> {
  await using aws = await startAws();
  const bill = billOf(aws);
  const spool = {
    TIDEMARK_FIREHOSE_STREAM: "samples",
    TIDEMARK_SPOOL_FOLDER: join("/var/tmp", `tidemark-bench-${process.pid}-${processes}`),
  };
  using world = await startWorld({ processes, churnSeconds, env: { ...aws.environment, ...spool } });
  await sleep(WARM_UP_MS);
  const [startedMs, cpuMs] = [performance.now(), world.cpuMs()];
  const looks: ReturnType<World["memory"]>[] = [];
  for (let look = 0; look < (MINUTES * 60_000) / LOOK_MS; look++) {
    await sleep(Math.max(0, startedMs + (look + 1) * LOOK_MS - performance.now()));
    looks.push(world.memory());
  }
  const cpuShare = (world.cpuMs() - cpuMs) / (performance.now() - startedMs);
  return { cpuShare, rss: looks.map(({ rss }) => rss), anon: looks.map(({ anon }) => anon), billedBytesPer1000: bill() };
}

/** Counts records as they arrive: each is billed by itself, rounded up. */
function billOf(aws: AwsEndpoint): () => number {
  let billed = 0;
  let rows = 0;
  aws.s3.createBucket("raw");
  aws.firehose.createStream({ name: "samples", bucket: "raw", bufferMs: 60_000 });
  aws.firehose.refuse((record) => {
    billed += Math.ceil(record.length / BILLED_BYTES) * BILLED_BYTES;
    for (const line of gunzipSync(record).toString().split("\n").filter(Boolean)) {
      const { process: table } = decodeBatch(line, Date.now()).tables;
      rows += table?.rowCount ?? 0;
    }
    return false;
  });
  return () => (billed / rows) * 1_000;
}
