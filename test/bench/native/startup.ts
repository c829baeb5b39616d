// What our library adds to the start of a program: thousands of starts of /bin/true, timed by spawn.c.
// What it adds to the memory of one is memory.ts's.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { make, numberOf, parseFields, programPath } from "../../native/target.ts";
import { alone, type BenchRow, beside, lacking } from "../row.ts";
import { jemalloc, ringFolder, shim } from "./preloads.ts";

const STARTS = 3_000;
const PROGRAM = "/bin/true";

export async function benchStartup(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const [ours, theirs] = [shim(), jemalloc()];
  if (ours === null) return [lacking(`start of ${PROGRAM}`, "us", "native/build has no libtidemark.so")];
  const preloads = theirs === null ? ["-", ours] : ["-", ours, theirs, `${theirs}:${ours}`];
  const folder = ringFolder();
  const line = execFileSync(programPath("bench/spawn-bench"), [String(STARTS), PROGRAM, ...preloads], {
    encoding: "utf8",
    env: { ...process.env, TIDEMARK_RING_FOLDER: folder },
  });
  rmSync(folder, { recursive: true });
  const times = parseFields(line.trim());
  const us = (name: string) => numberOf(times, name) / 1_000;
  const rows = [
    alone(`start of ${PROGRAM}: added by libtidemark.so, no thread`, "us", us("added1_ns"), 30),
    beside(`start of ${PROGRAM} with libtidemark.so`, "us", us("median1_ns"), { peer: "without", value: us("median0_ns") }),
  ];
  if (theirs === null) return [...rows, lacking(`start of ${PROGRAM} with a thread`, "us", "there is no libjemalloc.so.2")];
  return [
    ...rows,
    alone(`start of ${PROGRAM}: added by libtidemark.so to jemalloc, thread`, "us", us("added3_ns"), 120),
    beside(`start of ${PROGRAM} with jemalloc and libtidemark.so`, "us", us("median3_ns"), {
      peer: "jemalloc alone",
      value: us("median2_ns"),
    }),
  ];
}
