// Throughput of real servers with our library in them and the walker on them, against the same servers without.
// Starting and stopping them is test/support/programs.ts's.
import { execFile } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import { readAuxv } from "../../../collector/proc/auxv.ts";
import { make } from "../../native/target.ts";
import { commandsOf, type Program, type ProgramName, startProgram } from "../../support/programs.ts";
import { type BenchRow, lacking } from "../row.ts";
import { interleave, type Pair, type Turn, throughputRows } from "./pairs.ts";
import { lacks, ringFolder, shim } from "./preloads.ts";
import { pacedWalks } from "./walks.ts";

/** Servers are started anew this often: where the kernel happens to put one's memory is worth a percent. */
const STARTS = 4;
/** Short turns, many of them: the machine's own pace changes from second to second. These take 0.2 to 0.3 s each ... */
const REDIS_REQUESTS = 20_000;
const PGBENCH_TRANSACTIONS = 3_000;
const PGBENCH_CLIENTS = 2;
const SHORT_PAIRS = 12;
/** ... but wrk counts whole seconds. */
const WRK_SECONDS = 1;
const WRK_PAIRS = 6;
const PGBENCH_SCALE = 3;

interface Load {
  readonly name: string;
  readonly program: ProgramName;
  readonly unit: string;
  readonly client: string;
  readonly pairsPerStart: number;
  /** Before the first measurement, without a time. */
  readonly prepare?: (server: Program) => readonly string[];
  readonly run: (server: Program) => readonly string[];
  readonly rate: (output: string) => number;
  /** How many units one run was. */
  readonly count: (output: string) => number;
}

/** Bounded work for a redis, and how to read what its client says of it. */
export const redis = {
  unit: "requests",
  client: "redis-benchmark",
  pairsPerStart: SHORT_PAIRS,
  run: (server: Program) => {
    const requests = ["-t", "set,get", "-n", String(REDIS_REQUESTS), "-r", "20000", "-d", "200", "-c", "20"];
    return ["-s", server.address ?? "", ...requests, "--csv"];
  },
  // "SET","98765.43",...: as many of one as of the other.
  rate: (output: string) => {
    const rates = Array.from(output.matchAll(/^"(?:SET|GET)","([\d.]+)"/gm), (match) => Number(match[1]));
    return rates.length / rates.reduce((sum, rate) => sum + 1 / rate, 0);
  },
  count: () => 2 * REDIS_REQUESTS,
};

const postgres = (server: Program): readonly string[] => ["-h", server.address ?? "", "-U", "postgres"];

const loads: readonly Load[] = [
  { ...redis, name: "redis-benchmark, jemalloc", program: "redis-jemalloc" },
  { ...redis, name: "redis-benchmark, glibc", program: "redis-glibc" },
  {
    name: "pgbench -S",
    program: "postgres",
    unit: "transactions",
    client: "pgbench",
    pairsPerStart: SHORT_PAIRS,
    prepare: (server) => [...postgres(server), "-q", "-i", "-s", String(PGBENCH_SCALE), "postgres"],
    run: (server) => [
      ...postgres(server),
      "-n",
      "-S",
      "-c",
      String(PGBENCH_CLIENTS),
      "-t",
      String(PGBENCH_TRANSACTIONS),
      "postgres",
    ],
    count: () => PGBENCH_CLIENTS * PGBENCH_TRANSACTIONS,
    rate: (output) => Number(/tps = ([\d.]+)/.exec(output)?.[1] ?? Number.NaN),
  },
  {
    name: "wrk on nginx",
    program: "nginx",
    unit: "requests",
    client: "wrk",
    pairsPerStart: WRK_PAIRS,
    run: (server) => ["-t", "1", "-c", "32", "-d", `${WRK_SECONDS}s`, server.address ?? ""],
    count: (output) => Number(/(\d+) requests in/.exec(output)?.[1] ?? Number.NaN),
    rate: (output) => Number(/Requests\/sec: +([\d.]+)/.exec(output)?.[1] ?? Number.NaN),
  },
];

export async function benchServers(): Promise<BenchRow[]> {
  make("all");
  const rows: BenchRow[] = [];
  for (const load of loads) rows.push(...(await benchLoad(load)));
  return rows;
}

async function benchLoad(load: Load): Promise<BenchRow[]> {
  const name = `throughput with library and walker: ${load.name}`;
  const library = shim();
  const reason = library === null ? "native/build has no libtidemark.so" : lacks([load.client, ...commandsOf(load.program)]);
  if (library === null || reason !== null) return [lacking(name, `${load.unit}/s`, reason ?? "")];
  const folder = ringFolder();
  chmodSync(folder, 0o1733);
  const walks = pacedWalks();
  try {
    const pairs: Pair<Turn>[] = [];
    for (let start = 0; start < STARTS; start++) pairs.push(...(await measureStart(load, library, folder, walks)));
    process.stderr.write(`bench: ${name}: ${walks.walkCount()} walks\n`);
    return throughputRows(name, load.unit, pairs, 0.99);
  } finally {
    walks.close();
    rmSync(folder, { recursive: true });
  }
}

/** Both servers live at once and are loaded in turn; the one that waits costs nothing. */
async function measureStart(
  load: Load,
  library: string,
  folder: string,
  walks: ReturnType<typeof pacedWalks>,
): Promise<Pair<Turn>[]> {
  const off = await startProgram(load.program);
  const on = await startProgram(load.program, { preload: [library], env: { TIDEMARK_RING_FOLDER: folder } });
  const turn = async (server: Program): Promise<Turn> => {
    const beforeUs = cpuUsOf(server);
    const output = await runClient(load.client, load.run(server));
    return { rate: load.rate(output), cpuUs: (cpuUsOf(server) - beforeUs) / load.count(output) };
  };
  try {
    for (const server of [off, on]) {
      if (load.prepare !== undefined) await runClient(load.client, load.prepare(server));
      await turn(server);
    }
    return await interleave(load.pairsPerStart, {
      off: () => turn(off),
      on: () =>
        walks.during(
          () => processesOf(on),
          () => turn(on),
        ),
    });
  } finally {
    await off.stop();
    await on.stop();
  }
}

export async function runClient(client: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(client, args, { encoding: "utf8" });
  return stdout;
}

/** The server and its children: nginx's workers, PostgreSQL's backends of this moment. */
function processesOf({ mainPid }: Program): number[] {
  const children = readFileSync(`/proc/${mainPid}/task/${mainPid}/children`, "utf8").trim().split(" ");
  return [mainPid, ...children.filter((pid) => pid !== "").map(Number)];
}

/** What the server, its children and those that ended have used, to a hundredth of a second. man 5 proc_pid_stat. */
export function cpuUsOf(server: Program): number {
  const own = (pid: number) => cpuTicks(pid).slice(0, 2);
  const ticks = [...cpuTicks(server.mainPid), ...processesOf(server).slice(1).flatMap(own)];
  return (ticks.reduce((sum, some) => sum + some, 0) / readAuxv().ticksPerSecond) * 1e6;
}

/** utime, stime, cutime and cstime: fields 14 to 17, counted from behind the name, which may hold spaces. */
function cpuTicks(pid: number): number[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 15)
      .map(Number);
  } catch {
    return []; // A backend that has just ended: then it is among its parent's.
  }
}
