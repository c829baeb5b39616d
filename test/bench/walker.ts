// The walker against truth, and against what mallinfo2 does to the same program: figures, CPU, and the worst malloc that it sees.
// The program (walker.c) measures its own malloc latency; it is driven over its standard input and output.
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { HeapFigures, Walk } from "../../collector/heap/walk-line.ts";
import { startWalker } from "../../collector/heap/walker.ts";
import type { BenchRow } from "./row.ts";

const native = fileURLToPath(new URL("../../native/", import.meta.url));
const FREE_CHUNKS = [10_000, 100_000, 1_000_000];
const ROUNDS = 5;
const MEASURE_MS = 1_000;
const WALK_CPU_US_MAX = 60_000_000;

export async function benchWalker(): Promise<BenchRow[]> {
  execFileSync("make", ["-s", "-C", native, "all", "bench-programs"], { stdio: "inherit" });
  const rows: BenchRow[] = [];
  for (const freeChunks of FREE_CHUNKS) rows.push(...(await benchHeap(freeChunks)));
  return rows;
}

async function benchHeap(freeChunks: number): Promise<BenchRow[]> {
  const program = await startProgram(freeChunks);
  const walker = startWalker(`${native}build/tidemark-walk`);
  try {
    const expected = {
      live_bytes: program.truth["used"],
      free_bytes: program.truth["free"],
      free_chunk_count: program.truth["free_chunks"],
      free_chunk_bytes_max: program.truth["largest"],
    };
    const quiet = figuresOf(await walker.walk(program.pid, WALK_CPU_US_MAX));
    const rounds: { unwatched: Answer; walked: Answer; asked: Answer; walkCpuUs: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const unwatched = await program.ask(`measure ${MEASURE_MS}`);
      const measured = program.ask(`measure ${MEASURE_MS}`);
      const walks = await walkUntil(measured, () => walker.walk(program.pid, WALK_CPU_US_MAX));
      const walked = await measured;
      const asked = await program.ask("mallinfo2");
      rounds.push({ unwatched, walked, asked, walkCpuUs: median(walks.map((walk) => walk.walk_cpu_us)) });
    }
    const at = `at ${freeChunks.toExponential().replace("+", "")} free chunks`;
    const accuracy = (["live_bytes", "free_bytes", "free_chunk_count", "free_chunk_bytes_max"] as const).map(
      (name): BenchRow => {
        const right = expected[name] ?? Number.NaN;
        const error = Math.abs((quiet[name] ?? Number.NaN) - right) / right;
        return row(`walk: error of ${name} ${at}`, error, "ratio", null, null, null, 0.001);
      },
    );
    const worst = (kind: "unwatched" | "walked" | "asked") =>
      median(rounds.map((round) => (round[kind]["worst_ns"] ?? Number.NaN) / 1_000));
    const p999 = (kind: "unwatched" | "walked") =>
      median(rounds.map((round) => (round[kind]["p999_ns"] ?? Number.NaN) / 1_000));
    const cpuUs = median(rounds.map((round) => round.walkCpuUs));
    const mallinfoUs = median(rounds.map((round) => round.asked["mallinfo2_us"] ?? Number.NaN));
    return [
      ...accuracy,
      row(`walk: CPU ${at}`, cpuUs, "us", "mallinfo2", mallinfoUs, mallinfoUs / cpuUs, null),
      row(
        `malloc p99.9 while walked ${at}`,
        p999("walked"),
        "us",
        "unwatched",
        p999("unwatched"),
        p999("unwatched") / p999("walked"),
        null,
      ),
      row(
        `worst malloc while walked ${at}`,
        worst("walked"),
        "us",
        "unwatched",
        worst("unwatched"),
        worst("unwatched") / worst("walked"),
        null,
      ),
      row(
        `worst malloc while walked ${at}`,
        worst("walked"),
        "us",
        "during mallinfo2",
        worst("asked"),
        worst("asked") / worst("walked"),
        10,
      ),
    ];
  } finally {
    program.stop();
    walker.close();
  }
}

const row = (
  name: string,
  value: number,
  unit: string,
  peer: string | null,
  peer_value: number | null,
  ratio: number | null,
  target: number | null,
): BenchRow => ({ name, value, unit, peer, peer_value, ratio, target });

function figuresOf(walk: Walk): HeapFigures {
  if (walk.kind === "unknown") throw new Error(`the walk of the benchmark's program ended in ${walk.reason}`);
  return walk.figures;
}

async function walkUntil(done: Promise<unknown>, walk: () => Promise<Walk>): Promise<Walk[]> {
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  const walks: Walk[] = [];
  while (!isDone) walks.push(await walk());
  return walks;
}

type Answer = Readonly<Record<string, number>>;

interface Program {
  readonly pid: number;
  /** What mallinfo2 says of the heap as it was built. */
  readonly truth: Answer;
  ask(request: string): Promise<Answer>;
  stop(): void;
}

async function startProgram(freeChunks: number): Promise<Program> {
  const child = spawn(`${native}build/bench/walker-bench`, [String(freeChunks)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the benchmark's program ended");
    const words = String(value).trim().split(" ");
    return Object.fromEntries(words.map((word) => [word.split("=")[0] ?? "", Number(word.split("=")[1])]));
  };
  if (child.pid === undefined) throw new Error("the benchmark's program did not start");
  return {
    pid: child.pid,
    truth: await answer(),
    ask(request) {
      child.stdin.write(`${request}\n`);
      return answer();
    },
    stop() {
      child.kill("SIGKILL");
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
