// Throughput of four programs that only allocate (alloc.c), with our library in them and the walker on them, on glibc and on
// jemalloc; and what heaptrack, which records every call, does to one of them. Servers are servers.ts's.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { make, numberOf, parseFields, programPath } from "../../native/target.ts";
import { type BenchRow, lacking } from "../row.ts";
import { interleave, type Turn, throughputRows } from "./pairs.ts";
import { jemalloc, lacks, ringFolder, shim } from "./preloads.ts";
import { type PacedWalks, pacedWalks } from "./walks.ts";

const programs = ["larson", "scratch", "sizes", "burst"] as const;
const PAIRS = 16;
const RUN_MS = 500;
/** A hundred times as often as in production, or else no record would fall into so short a life. */
const INTERVAL_MS = 100;
const HEAPTRACK_PAIRS = 3;
/** Its start alone takes half a second. */
const HEAPTRACK_RUN_MS = 2_000;

export async function benchAllocation(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const library = shim();
  if (library === null) return [lacking("throughput of alloc.c", "operations/s", "native/build has no libtidemark.so")];
  const folder = ringFolder();
  const walks = pacedWalks();
  try {
    const rows: BenchRow[] = [];
    for (const allocator of ["glibc", "jemalloc"] as const) {
      const name = (program: string) => `throughput with library and walker: ${program}, ${allocator}`;
      const path = jemalloc();
      if (allocator === "jemalloc" && path === null) {
        rows.push(lacking(name("alloc.c"), "operations/s", "there is no libjemalloc.so.2"));
        continue;
      }
      const preload = allocator === "jemalloc" && path !== null ? [path] : [];
      for (const program of programs) {
        const pairs = await interleave(PAIRS, {
          off: () => run(program, preload, folder, null),
          on: () => run(program, [...preload, library], folder, walks),
        });
        rows.push(...throughputRows(name(program), "operations", pairs, 0.99));
      }
    }
    return [...rows, ...(await benchHeaptrack())];
  } finally {
    walks.close();
    rmSync(folder, { recursive: true });
  }
}

async function run(
  program: string,
  preload: readonly string[],
  folder: string,
  walks: PacedWalks | null,
  runMs = RUN_MS,
): Promise<Turn> {
  const settings = { TIDEMARK_RING_FOLDER: folder, TIDEMARK_INTERVAL_MS: String(INTERVAL_MS) };
  const env = { ...process.env, ...settings, LD_PRELOAD: preload.join(":") };
  const child = spawn(programPath("bench/alloc-bench"), [program, String(runMs)], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = text(child.stdout);
  const pids = child.pid === undefined ? [] : [child.pid];
  return turnOf(
    walks === null
      ? await output
      : await walks.during(
          () => pids,
          () => output,
        ),
  );
}

async function benchHeaptrack(): Promise<BenchRow[]> {
  const name = "throughput with heaptrack: sizes, glibc";
  const reason = lacks(["heaptrack"]);
  if (reason !== null) return [lacking(name, "operations/s", reason)];
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const record = async () => {
    const args = ["-o", join(folder, "record"), programPath("bench/alloc-bench"), "sizes", String(HEAPTRACK_RUN_MS)];
    return turnOf(await text(spawn("heaptrack", args, { stdio: ["ignore", "pipe", "ignore"] }).stdout));
  };
  try {
    const pairs = await interleave(HEAPTRACK_PAIRS, {
      off: () => run("sizes", [], folder, null, HEAPTRACK_RUN_MS),
      on: record,
    });
    return throughputRows(name, "operations", pairs, null);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function turnOf(output: string): Turn {
  const fields = parseFields(output.split("\n").find((line) => line.startsWith("operations_per_s=")) ?? "");
  return { rate: numberOf(fields, "operations_per_s"), cpuUs: numberOf(fields, "cpu_us") };
}
