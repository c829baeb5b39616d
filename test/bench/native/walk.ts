// The walker on heaps of known make: how exact, how fast, and what the walked program's malloc notices, beside mallinfo2 and
// malloc_info, which say less and stop it. The program (walker.c) measures its own latency.
import { execFileSync } from "node:child_process";
import { endTargets, type Fields, make, numberOf, programPath, startTarget } from "../../native/target.ts";
import { alone, type BenchRow, beside, median } from "../row.ts";
import { type BenchWalker, repeatUntil, startBenchWalker } from "./walks.ts";

/** 10 million free chunks and their live neighbours take 4.5 GB. */
const HEAPS = [
  { freeChunks: 10_000, rounds: 9 },
  { freeChunks: 1_000_000, rounds: 9 },
  { freeChunks: 10_000_000, rounds: 3 },
] as const;
const MEASURE_MS_MIN = 500;
/** On a loaded machine a walk waits for the CPU far longer than it computes. */
const MEASURE_MS_MAX = 8_000;
/** A measurement lasts longer than a walk by this factor, so that a whole walk falls into it. */
const MEASURE_WALKS = 1.2;

export async function benchWalk(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const rows: BenchRow[] = [];
  for (const heap of HEAPS) rows.push(...(await benchHeap(heap)));
  return rows;
}

async function benchHeap(heap: (typeof HEAPS)[number]): Promise<BenchRow[]> {
  const program = await startTarget(programPath("bench/walker-bench"), [String(heap.freeChunks)]);
  const walker = startBenchWalker();
  try {
    const startedMs = performance.now();
    const error = await largestError(walker, program.pid, program.truth);
    const measureMs = Math.round(
      Math.min(MEASURE_MS_MAX, Math.max(MEASURE_MS_MIN, (performance.now() - startedMs) * MEASURE_WALKS)),
    );
    const walk = async () => (await walker.walk(program.pid)).walk_cpu_us;
    const rounds: Round[] = [];
    for (let round = 0; round < heap.rounds; round++) {
      const unwatched = await program.ask(`measure ${measureMs}`);
      const { done: walked, costsUs } = await repeatUntil(program.ask(`measure ${measureMs}`), walk);
      const mallinfo = await program.ask("mallinfo2");
      const mallocInfo = await program.ask("malloc_info");
      const read = readCost(program.pid);
      rounds.push({ unwatched, walked, mallinfo, mallocInfo, walkCpuUs: median(costsUs), ...read });
    }
    const chunks = numberOf(program.truth, "free_chunks") + numberOf(program.truth, "live_chunks");
    const at = `at ${heap.freeChunks.toExponential().replace("+", "")} free chunks`;
    return [
      alone(`walk: largest error of four figures ${at}`, "ratio", error, 0.001),
      ...costRows(rounds, chunks, at),
      ...latencyRows(rounds, at),
    ];
  } finally {
    walker.close();
    endTargets();
  }
}

/** Latencies of the program's malloc, as it printed them. */
type Measurement = "unwatched" | "walked" | "mallinfo" | "mallocInfo";

interface Round extends Readonly<Record<Measurement, Fields>> {
  readonly walkCpuUs: number;
  readonly readCpuUs: number;
}

async function largestError(walker: BenchWalker, pid: number, truth: Fields): Promise<number> {
  const walk = await walker.walk(pid);
  if (walk.kind === "unknown") throw new Error(`the walk of the benchmark's program ended in ${walk.reason}`);
  const { live_bytes, free_bytes, free_chunk_count, free_chunk_bytes_max } = walk.figures;
  const said = { used: live_bytes, free: free_bytes, free_chunks: free_chunk_count, largest: free_chunk_bytes_max };
  const errors = Object.entries(said).map(([name, figure]) => Math.abs((figure ?? 0) / numberOf(truth, name) - 1));
  return Math.max(...errors);
}

function readCost(pid: number): { readCpuUs: number } {
  const line = execFileSync(programPath("bench/read-bench"), [String(pid)], { encoding: "utf8" });
  return { readCpuUs: Number(/cpu_us=(\d+)/.exec(line)?.[1] ?? Number.NaN) };
}

function costRows(rounds: readonly Round[], chunks: number, at: string): BenchRow[] {
  const cpuUs = median(rounds.map(({ walkCpuUs }) => walkCpuUs));
  const took = (kind: "mallinfo" | "mallocInfo") => median(rounds.map((round) => numberOf(round[kind], "took_us")));
  const readShare = median(rounds.map(({ readCpuUs, walkCpuUs }) => readCpuUs / walkCpuUs));
  return [
    alone(`walk: chunks a second of CPU ${at}`, "chunks/s", chunks / (cpuUs / 1e6), 5e6),
    {
      ...beside(`walk: CPU ${at}`, "us", cpuUs, { peer: "reading the same bytes", value: cpuUs * readShare }),
      ratio: readShare,
    },
    beside(`walk: CPU ${at}`, "us", cpuUs, { peer: "mallinfo2", value: took("mallinfo") }),
    beside(`walk: CPU ${at}`, "us", cpuUs, { peer: "malloc_info", value: took("mallocInfo") }),
  ];
}

function latencyRows(rounds: readonly Round[], at: string): BenchRow[] {
  const us = (kind: Measurement, figure: "worst_ns" | "worst_undisturbed_ns" | "p999_ns") =>
    median(rounds.map((round) => numberOf(round[kind], figure) / 1_000));
  const added = (figure: "worst_ns" | "worst_undisturbed_ns") => us("walked", figure) - us("unwatched", figure);
  const worst = `worst malloc while walked ${at}`;
  const p999 = `malloc p99.9 while walked ${at}`;
  return [
    alone(`${worst}, added`, "us", added("worst_ns"), 50),
    // On a busy machine the worst malloc is the one during which another program had the CPU, walked or not.
    alone(`${worst}, added, moments without the CPU aside`, "us", added("worst_undisturbed_ns"), 50),
    beside(worst, "us", us("walked", "worst_ns"), { peer: "unwatched", value: us("unwatched", "worst_ns") }),
    beside(worst, "us", us("walked", "worst_ns"), { peer: "during mallinfo2", value: us("mallinfo", "worst_ns") }),
    beside(worst, "us", us("walked", "worst_ns"), { peer: "during malloc_info", value: us("mallocInfo", "worst_ns") }),
    beside(p999, "us", us("walked", "p999_ns"), { peer: "unwatched", value: us("unwatched", "p999_ns") }),
  ];
}
