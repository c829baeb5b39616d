// What sampling one in 512 KiB costs a program on glibc: malloc and free in one process (profile.c), four programs that only
// allocate (alloc.c), redis, and one sample. That samples are true is proved in test/native/profile.test.ts.
import { execFileSync } from "node:child_process";
import { make, numberOf, parseFields, programPath } from "../../native/target.ts";
import { commandsOf, type Program, startProgram } from "../../support/programs.ts";
import { alone, type BenchRow, beside, lacking, median } from "../row.ts";
import { interleave, type Pair, type Turn, throughputRows } from "./pairs.ts";
import { lacks, profileLibrary } from "./preloads.ts";
import { cpuUsOf, redis, runClient } from "./servers.ts";

const RUNS = 7;
const PAIRS = 16;
const RUN_MS = 500;
/** Servers are started anew this often: where the kernel happens to put one's memory is worth a percent. */
const STARTS = 4;
const PROGRAMS = ["larson", "scratch", "sizes", "burst"];
const NAME = "profile wrapper, glibc";

export async function benchProfile(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const library = profileLibrary();
  if (library === null) return [lacking(NAME, "ns", "native/build has no libtidemark-profile.so")];
  const rows = callRows(library);
  for (const program of PROGRAMS) {
    const run = async (preload: string): Promise<Turn> => programTurn(program, preload);
    const pairs = await interleave(PAIRS, { off: () => run(""), on: () => run(library) });
    rows.push(...throughputRows(`${NAME}, only allocates: ${program}`, "operations", pairs, null));
  }
  return [...rows, ...(await redisRows(library))];
}

interface Calls {
  readonly plainNs: number;
  readonly wrappedNs: number;
  readonly costNs: number;
}

/** Told to stay out, it takes no samples: what is left is the way through it. */
function callRows(library: string): BenchRow[] {
  const rows: BenchRow[] = [];
  const runs = { unsampled: calls(library, { TIDEMARK_PROFILE: "0" }), sampled: calls(library, {}) };
  for (const [kind, what] of [
    ["pair", "64 B malloc and free"],
    ["blocks", "1,000 blocks of 16 B to 1 KB, written and freed"],
  ] as const) {
    rows.push(
      alone(`${NAME}, ${what}: added without samples`, "ns", runs.unsampled(kind).costNs),
      alone(`${NAME}, ${what}: added`, "ns", runs.sampled(kind).costNs),
      beside(`${NAME}, ${what}`, "ns", runs.sampled(kind).wrappedNs, {
        peer: "past the wrapper",
        value: runs.sampled(kind).plainNs,
      }),
    );
  }
  return rows;
}

function calls(library: string, settings: Readonly<Record<string, string>>): (kind: "pair" | "blocks") => Calls {
  const env = { ...process.env, ...settings, LD_PRELOAD: library };
  const answers = Array.from({ length: RUNS }, () =>
    parseFields(execFileSync(programPath("bench/profile-bench"), ["libc.so.6"], { encoding: "utf8", env }).trim()),
  );
  return (kind) => {
    const ns = (name: string) => median(answers.map((answer) => numberOf(answer, `${kind}_${name}_ns`)));
    return { plainNs: ns("plain"), wrappedNs: ns("wrapped"), costNs: ns("cost") };
  };
}

function programTurn(program: string, preload: string): Turn {
  const env = { ...process.env, LD_PRELOAD: preload };
  const output = execFileSync(programPath("bench/alloc-bench"), [program, String(RUN_MS)], { encoding: "utf8", env });
  const fields = parseFields(output.trim());
  return { rate: numberOf(fields, "operations_per_s"), cpuUs: numberOf(fields, "cpu_us") };
}

/** Debian's redis is linked to jemalloc under malloc's own name: the C library is put before it. */
async function redisRows(library: string): Promise<BenchRow[]> {
  const name = `${NAME}, throughput: redis-benchmark`;
  const reason = lacks([redis.client, ...commandsOf("redis-jemalloc")]);
  if (reason !== null) return [lacking(name, "requests/s", reason)];
  const pairs: Pair<Turn>[] = [];
  for (let start = 0; start < STARTS; start++) {
    const off = await startProgram("redis-jemalloc", { preload: ["libc.so.6"] });
    const on = await startProgram("redis-jemalloc", { preload: [library, "libc.so.6"] });
    const turn = async (server: Program): Promise<Turn> => {
      const beforeUs = cpuUsOf(server);
      const output = await runClient(redis.client, redis.run(server));
      return { rate: redis.rate(output), cpuUs: (cpuUsOf(server) - beforeUs) / redis.count() };
    };
    try {
      for (const server of [off, on]) await turn(server);
      pairs.push(...(await interleave(redis.pairsPerStart, { off: () => turn(off), on: () => turn(on) })));
    } finally {
      await off.stop();
      await on.stop();
    }
  }
  return throughputRows(name, redis.unit, pairs, 0.98);
}
