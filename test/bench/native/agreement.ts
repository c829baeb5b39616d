// How far our figures are from each allocator's own, in real programs at rest: the walker's from malloc_info's, its forecast
// from what malloc_trim(0) then gives back. The shim's figures are shim-agreement.ts's; every figure is proved in test/native.
import { readFileSync } from "node:fs";
import { type AskedProgram, type Measured, measureAtRest, startAsked } from "../../native/glibc-figures.ts";
import { make, numberOf } from "../../native/target.ts";
import { commandsOf, type ProgramName } from "../../support/programs.ts";
import { alone, type BenchRow, lacking } from "../row.ts";
import { lacks } from "./preloads.ts";

const programs: readonly ProgramName[] = [
  "redis-glibc",
  "nginx",
  "postgres",
  "memcached",
  "mariadbd",
  "ruby",
  "python",
  "perl",
  "php",
  "node",
  "java",
];
/** Less than this is too few pages to give a ratio. */
const RETURNED_BYTES_MIN = 8 * 1_024 * 1_024;
const FORECAST_TARGET = 0.05;

export async function benchAgreement(): Promise<BenchRow[]> {
  make("all", "test-programs");
  const exact: BenchRow[] = [];
  const foretold: BenchRow[] = [];
  for (const name of programs) {
    const reason = lacks(commandsOf(name));
    if (reason !== null) {
      exact.push(lacking(`walker: largest error of six figures, ${name}`, "ratio", reason));
      continue;
    }
    // Node frees so much from its helper threads that fastbins hold its heap together until a trim.
    const env = name === "node" ? { GLIBC_TUNABLES: "glibc.malloc.mxfast=0" } : {};
    const program = await startAsked(name, env);
    try {
      await program.load();
      const measured = await measureAtRest(program);
      exact.push(errorRow(`walker: largest error of six figures, ${name}`, measured));
      foretold.push(...(await trimRow(program, numberOf(measured.fields, "reclaimable_bytes"))));
    } finally {
      await program.stop();
    }
  }
  return [...exact, ...foretold];
}

/** Peers tell how large the compared figure is: an error of 0 in nothing would be none. */
function errorRow(name: string, measured: Measured): BenchRow {
  const heapBytes = measured.figures.systemBytesByArena.reduce((sum, bytes) => sum + bytes, 0);
  const row = alone(name, "ratio", largestError(measured, heapBytes), 0);
  return { ...row, peer: "heap bytes by malloc_info", peer_value: heapBytes };
}

function largestError({ fields, figures }: Measured, heap: number): number {
  const walked = (name: string) => numberOf(fields, name);
  const free = figures.freeBytes + figures.topBytes;
  const pairs: readonly (readonly [number, number])[] = [
    [walked("heap_bytes"), heap],
    [walked("live_bytes") - walked("mmapped_bytes") + walked("metadata_bytes"), heap - free],
    [walked("free_bytes"), free],
    [walked("free_chunk_count"), figures.freeChunkCount],
    [walked("free_chunk_bytes_max"), figures.freeChunkBytesMax],
    [walked("mmapped_bytes"), figures.mmappedBytes],
  ];
  return Math.max(...pairs.map(([ours, theirs]) => Math.abs(ours - theirs) / Math.max(theirs, 1)));
}

/** Nothing where too little comes back to judge by. */
async function trimRow(program: AskedProgram, foretold: number): Promise<BenchRow[]> {
  const before = anonymousBytes(program.pid);
  await program.trim();
  const returned = before - anonymousBytes(program.pid);
  if (returned < RETURNED_BYTES_MIN) return [];
  const name = `malloc_trim(0): error of the forecast, ${program.name}`;
  const row = alone(name, "ratio", Math.abs(foretold / returned - 1), FORECAST_TARGET);
  return [{ ...row, peer: "bytes returned", peer_value: returned }];
}

/** Exact, where statm is batched by CPU. Source: proc_pid_smaps_rollup(5), Linux 4.14. */
function anonymousBytes(pid: number): number {
  const found = /^Anonymous:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(found?.[1]) * 1_024;
}
