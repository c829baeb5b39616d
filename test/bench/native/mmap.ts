// What the mmap and munmap of a program notice of walks, which need the lock of its mappings for moments, beside what they
// notice of reading its smaps_rollup. The program (walker.c) measures its own latency.
import { readFile } from "node:fs/promises";
import { endTargets, type Fields, make, numberOf, programPath, startTarget } from "../../native/target.ts";
import { alone, type BenchRow, beside, median } from "../row.ts";
import { repeatUntil, startBenchWalker } from "./walks.ts";

const FREE_CHUNKS = 1_000_000;
const ROUNDS = 7;
const MEASURE_MS = 1_000;

export async function benchMmap(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const program = await startTarget(programPath("bench/walker-bench"), [String(FREE_CHUNKS)]);
  const walker = startBenchWalker();
  const measure = () => program.ask(`mmap ${MEASURE_MS}`);
  try {
    const rounds: { unwatched: Fields; walked: Fields; rolledUp: Fields }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const unwatched = await measure();
      const { done: walked } = await repeatUntil(measure(), async () => (await walker.walk(program.pid)).walk_cpu_us);
      const { done: rolledUp } = await repeatUntil(measure(), async () => {
        return (await readFile(`/proc/${program.pid}/smaps_rollup`)).length;
      });
      rounds.push({ unwatched, walked, rolledUp });
    }
    const p999 = (kind: "unwatched" | "walked" | "rolledUp") =>
      median(rounds.map((round) => numberOf(round[kind], "p999_ns") / 1_000));
    const name = "mmap and munmap p99.9 while walked";
    return [
      alone(`${name}, added`, "us", p999("walked") - p999("unwatched"), 100),
      beside(name, "us", p999("walked"), { peer: "unwatched", value: p999("unwatched") }),
      beside(name, "us", p999("walked"), { peer: "while smaps_rollup is read", value: p999("rolledUp") }),
    ];
  } finally {
    walker.close();
    endTargets();
  }
}
