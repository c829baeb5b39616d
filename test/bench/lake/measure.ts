// CPU time of works that take turns, and rows of a benchmark from it.
// What the works do is the benchmarks'.
import { type BenchRow, median } from "../row.ts";

/** CPU time of one run, all threads of the process, and what the run gave: usually bytes written. */
export interface Run {
  readonly cpuMs: number;
  readonly result: number;
}

type Work = () => number | Promise<number>;

/**
 * Runs all works once a round, in turn, and leaves out the first round: one compiles in it, another fills its allocator.
 */
export async function inTurn<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, Work>>,
): Promise<Readonly<Record<Name, readonly Run[]>>> {
  const runs = Object.fromEntries(Object.keys(works).map((name) => [name, []])) as unknown as Record<Name, Run[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of Object.entries<Work>(works)) {
      const run = await measure(work);
      if (round > 0) runs[name as Name].push(run);
    }
  }
  return runs;
}

export async function measure(work: Work): Promise<Run> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1_000, result };
}

export interface Peer {
  readonly name: string;
  readonly peer: string;
  readonly target: number | null;
}

/** Rows per CPU second. The ratio is the median of the rounds' own: neighbours on the machine slow both halves of a round alike. */
export const speeds = (
  ours: readonly Run[],
  theirs: readonly Run[],
  rowCount: number,
  { name, peer, target }: Peer,
): BenchRow => ({
  name,
  value: rowsPerSecond(ours, rowCount),
  unit: "rows/CPU s",
  peer,
  peer_value: rowsPerSecond(theirs, rowCount),
  ratio: median(ours.map(({ cpuMs }, round) => (theirs[round]?.cpuMs ?? Number.NaN) / cpuMs)),
  target,
});

export const medianMs = (runs: readonly Run[]): number => median(runs.map(({ cpuMs }) => cpuMs));

const rowsPerSecond = (runs: readonly Run[], rowCount: number): number => (rowCount / medianMs(runs)) * 1_000;
