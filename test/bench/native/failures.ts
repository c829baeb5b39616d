// What counting failed allocations adds to those that succeed: a 64-byte malloc and free through our wrappers and past them,
// timed in one process by failures.c; and without the library, where it must be nothing.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { make, numberOf, parseFields, programPath } from "../../native/target.ts";
import { alone, type BenchRow, beside, lacking, median } from "../row.ts";
import { failuresLibrary, jemalloc, ringFolder } from "./preloads.ts";

const RUNS = 7;
const NAME = "failure wrapper, 64 B malloc and free";

export async function benchFailures(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const [ours, theirs] = [failuresLibrary(), jemalloc()];
  if (ours === null) return [lacking(NAME, "ns", "native/build has no libtidemark-failures.so")];
  const folder = ringFolder();
  try {
    const off = runs("libc.so.6", [], folder);
    const rows = [...rowsOf("glibc", runs("libc.so.6", [ours], folder)), alone(`${NAME}: added when off`, "ns", off.costNs, 0)];
    if (theirs === null) return [...rows, lacking(`${NAME}, jemalloc`, "ns", "there is no libjemalloc.so.2")];
    return [...rows, ...rowsOf("jemalloc", runs("libjemalloc.so.2", [ours, theirs], folder))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Costs {
  readonly plainNs: number;
  readonly wrappedNs: number;
  readonly costNs: number;
}

/** `library` is the one that serves malloc behind the wrappers. */
function runs(library: string, preload: readonly string[], folder: string): Costs {
  const env = { ...process.env, TIDEMARK_RING_FOLDER: folder, LD_PRELOAD: preload.join(":") };
  const answers = Array.from({ length: RUNS }, () =>
    parseFields(execFileSync(programPath("bench/failures-bench"), [library], { encoding: "utf8", env }).trim()),
  );
  const ns = (name: string) => median(answers.map((answer) => numberOf(answer, name)));
  return { plainNs: ns("plain_ns"), wrappedNs: ns("wrapped_ns"), costNs: ns("cost_ns") };
}

function rowsOf(allocator: string, { plainNs, wrappedNs, costNs }: Costs): BenchRow[] {
  return [
    alone(`${NAME}: added, ${allocator}`, "ns", costNs, 2.5),
    beside(`${NAME}, ${allocator}`, "ns", wrappedNs, { peer: "past the wrapper", value: plainNs }),
  ];
}
