// A look at 200 processes: with pmap -x and smem, as people do today, and with the collector's own code.
// What heaptrack does to one process is allocation.ts's.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { make } from "../../native/target.ts";
import { until } from "../../support/service.ts";
import { createBenchAgent } from "../collector/agent.ts";
import { alone, type BenchRow, beside, lacking, median } from "../row.ts";
import { lacks } from "./preloads.ts";
import { startBenchWalker } from "./walks.ts";

const PROCESSES = 200;
const ROUNDS = 5;

export async function benchTools(): Promise<BenchRow[]> {
  make("all");
  const sleepers = Array.from({ length: PROCESSES }, () => spawn("/bin/sleep", ["600"], { stdio: "ignore" }));
  try {
    const pids = sleepers.map(pidOf);
    for (const pid of pids) {
      await until("it sleeps", () => (readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n" ? true : null));
    }
    const rounds: Looks[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await lookWithAll(pids));
    return rowsOf(rounds);
  } finally {
    for (const sleeper of sleepers) sleeper.kill("SIGKILL");
  }
}

/** Milliseconds; of ours, CPU as well. */
interface Looks {
  readonly pmap: number | null;
  readonly smem: number | null;
  readonly tick: number;
  readonly rows: number;
  readonly walks: number;
  readonly walkCpu: number;
}

async function lookWithAll(pids: readonly number[]): Promise<Looks> {
  const pmap = tool("pmap", ["-x", ...pids.map(String)]);
  const smem = tool("smem", []);
  return { pmap, smem, ...(await lookWithAgent(pids.length)), ...(await walkAll(pids)) };
}

function tool(command: string, args: readonly string[]): number | null {
  if (lacks([command]) !== null) return null;
  const startedMs = performance.now();
  execFileSync(command, args, { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
  return performance.now() - startedMs;
}

/** A tick on processes that are known already, then the row of each with every figure that there is. */
async function lookWithAgent(least: number): Promise<Pick<Looks, "tick" | "rows">> {
  // Small processes are looked at as well, and no walk is put off.
  using bench = createBenchAgent({ TIDEMARK_RSS_BYTES_MIN: "0", TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.5" });
  bench.agent.tick();
  const tick = timed(() => bench.agent.tick());
  const startedMs = performance.now();
  const { process: rows } = await bench.agent.closeRows();
  if (rows.length < least) throw new Error(`${rows.length} rows of ${least} processes`);
  return { tick, rows: performance.now() - startedMs };
}

async function walkAll(pids: readonly number[]): Promise<Pick<Looks, "walks" | "walkCpu">> {
  const walker = startBenchWalker();
  try {
    let cpuUs = 0;
    const startedMs = performance.now();
    for (const pid of pids) cpuUs += (await walker.walk(pid)).walk_cpu_us;
    return { walks: performance.now() - startedMs, walkCpu: cpuUs / 1_000 };
  } finally {
    walker.close();
  }
}

function rowsOf(rounds: readonly Looks[]): BenchRow[] {
  const ms = (kind: keyof Looks): number | null => {
    const all = rounds.map((round) => round[kind]).filter((figure) => figure !== null);
    return all.length === 0 ? null : median(all);
  };
  const ours = [
    ["the collector's tick", ms("tick")],
    ["the collector's rows, walks included", ms("rows")],
    ["walks alone", ms("walks")],
  ] as const;
  const against = ours.flatMap(([what, value]) =>
    (["pmap", "smem"] as const).map((kind) => {
      const name = `a look at ${PROCESSES} processes: ${what}`;
      const peer = ms(kind);
      if (peer === null || value === null) return lacking(name, "ms", `there is no ${kind}`);
      return beside(name, "ms", value, { peer: kind === "pmap" ? "pmap -x" : "smem", value: peer });
    }),
  );
  return [...against, alone(`CPU of walking ${PROCESSES} small processes`, "ms", ms("walkCpu") ?? Number.NaN)];
}

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("/bin/sleep did not start");
  return pid;
}
