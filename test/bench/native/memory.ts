// What our library adds to the proportional memory of a program that does nothing: /bin/sleep, on glibc and on jemalloc.
// What it adds to its start is startup.ts's.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { parseSmapsRollup } from "../../../collector/proc/smaps-rollup.ts";
import { make } from "../../native/target.ts";
import { until } from "../../support/service.ts";
import { alone, type BenchRow, beside, lacking, median } from "../row.ts";
import { jemalloc, ringFolder, shim } from "./preloads.ts";

const ROUNDS = 9;
const NAME = "PSS of /bin/sleep";

export async function benchMemory(): Promise<BenchRow[]> {
  make("all");
  const [ours, theirs] = [shim(), jemalloc()];
  if (ours === null) return [lacking(NAME, "KiB", "native/build has no libtidemark.so")];
  const rows = await compare("no thread", "", ours);
  if (theirs === null) return [...rows, lacking(`${NAME} with jemalloc`, "KiB", "there is no libjemalloc.so.2")];
  return [...rows, ...(await compare("with jemalloc, thread", theirs, `${theirs}:${ours}`))];
}

/** The thread's stack, and what it asks the allocator with, are touched with its first record. */
async function compare(what: string, without: string, preload: string): Promise<BenchRow[]> {
  const hasThread = without !== "";
  const folder = ringFolder();
  const rounds: { off: number; on: number }[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      // Both at once, so that each has the other to share libc's pages with.
      const off = sleeper(without, folder);
      const on = sleeper(preload, folder);
      try {
        await settledPss(off);
        if (hasThread) await until("a record is written", () => (readdirSync(folder).length > round ? true : null));
        rounds.push({ on: await settledPss(on), off: await settledPss(off) });
      } finally {
        off.kill("SIGKILL");
        on.kill("SIGKILL");
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const kib = (kind: "off" | "on") => median(rounds.map((round) => round[kind] / 1_024));
  return [
    alone(`${NAME}: added by libtidemark.so, ${what}`, "KiB", median(rounds.map(({ off, on }) => (on - off) / 1_024))),
    beside(`${NAME} with libtidemark.so, ${what}`, "KiB", kib("on"), { peer: "without", value: kib("off") }),
  ];
}

function sleeper(preload: string, folder: string): ChildProcess & { pid: number } {
  const env = { PATH: process.env["PATH"], LD_PRELOAD: preload, TIDEMARK_RING_FOLDER: folder, TIDEMARK_INTERVAL_MS: "100" };
  const child = spawn("/bin/sleep", ["600"], { env, stdio: "ignore" });
  if (child.pid === undefined) throw new Error("/bin/sleep did not start");
  return child as ChildProcess & { pid: number };
}

/** Once main sleeps in clock_nanosleep, and every thread beside it as well, nothing more is touched. */
async function settledPss({ pid }: { pid: number }): Promise<number> {
  let last = -1;
  return until(`${pid} sleeps`, () => {
    const isAsleep =
      readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n" &&
      /^State:\tS/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    const path = `/proc/${pid}/smaps_rollup`;
    const rollup = parseSmapsRollup(readFileSync(path, "utf8"), path);
    if (!rollup.ok) throw new Error(`${path}: ${rollup.error.kind}`);
    const pss = rollup.value.pss_bytes ?? Number.NaN;
    const isSettled = isAsleep && pss === last;
    last = pss;
    return isSettled ? pss : null;
  });
}
