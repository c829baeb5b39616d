// What a program notices of the collector beside it: its own malloc and mmap latency, agent off and on in turn. The collector
// ticks every second and closes a row every two, where production has ten and sixty: what is seen here is thirty times as frequent.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCollector } from "../../../local/collector-process.ts";
import { endTargets, type Fields, make, numberOf, programPath, startTarget } from "../../native/target.ts";
import { interleave, type Pair } from "../native/pairs.ts";
import { alone, type BenchRow, beside, median } from "../row.ts";

const FREE_CHUNKS = 100_000;
const PAIRS = 5;
const MEASURE_MS = 6_000;
const SETTLE_MS = 3_000;

export async function benchStall(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const program = await startTarget(programPath("bench/walker-bench"), [String(FREE_CHUNKS)]);
  const both = async () => ({
    mmap: await program.ask(`mmap ${MEASURE_MS}`),
    malloc: await program.ask(`measure ${MEASURE_MS}`),
  });
  try {
    const pairs = await interleave(PAIRS, { off: both, on: () => besideCollector(both) });
    return (["mmap", "malloc"] as const).flatMap((call) => rowsOf(call, pairs));
  } finally {
    endTargets();
  }
}

async function besideCollector<T>(work: () => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const collector = startCollector(
    {
      TIDEMARK_DELIVERY_FOLDER: folder,
      TIDEMARK_RING_FOLDER: join(folder, "rings"),
      TIDEMARK_TICK_MS: 1_000,
      TIDEMARK_ROW_MS: 2_000,
    },
    () => undefined,
  );
  try {
    await sleep(SETTLE_MS);
    return await work();
  } finally {
    await collector.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Latencies = Readonly<Record<"mmap" | "malloc", Fields>>;

function rowsOf(call: "mmap" | "malloc", pairs: readonly Pair<Latencies>[]): BenchRow[] {
  const us = (half: "off" | "on", field: string) => median(pairs.map((pair) => numberOf(pair[half][call], field) / 1_000));
  return [
    beside(`${call} p99.9 with the collector on`, "us", us("on", "p999_ns"), {
      peer: "off",
      value: us("off", "p999_ns"),
      target: 0.9,
    }),
    beside(`${call}, worst of ${MEASURE_MS / 1_000} s, with the collector on`, "us", us("on", "worst_ns"), {
      peer: "off",
      value: us("off", "worst_ns"),
    }),
    alone(`${call} p99.9: what the collector adds`, "us", us("on", "p999_ns") - us("off", "p999_ns")),
  ];
}
