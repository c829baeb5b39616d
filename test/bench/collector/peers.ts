// One look at 200 processes by the collector's own code, and by what people run today: CPU for a sample, and resident memory.
// None of the others sees a heap; docs/benchmarks.md says what else each of them leaves out.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { make, programPath } from "../../native/target.ts";
import { answers, freePort, until } from "../../support/service.ts";
import { lacks } from "../native/preloads.ts";
import { alone, type BenchRow, beside, lacking } from "../row.ts";
import { createBenchAgent } from "./agent.ts";
import { treeCpuMs, treeRssBytes } from "./tree.ts";

const PROCESSES = 200;
const TICKS = 100;
const ROWS = 10;
const SCRAPES = 20;
const SECONDS = 20;
const MIB = 1_024 * 1_024;

/** CPU (ms) for one sample of everything, and resident bytes where it stays between samples. */
interface Cost {
  readonly cpuMs: number;
  readonly rssBytes: number | null;
}

export async function benchPeers(): Promise<BenchRow[]> {
  make("all", "bench-programs");
  const crowd = spawn(programPath("bench/crowd-bench"), [String(PROCESSES), "17", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => crowd.stdout.once("data", resolve));
    const { tick, row } = await ours();
    const rows: BenchRow[] = [
      alone("one tick over 200 processes and more, CPU", "ms", tick, 10),
      alone("closing all their rows once a minute, CPU, walks not counted", "ms", row),
      alone("the collector's share of a core for ticks and rows at defaults", "%", ((tick * 6 + row) / 60_000) * 100),
    ];
    for (const [name, measure] of Object.entries(peers)) {
      const what = `a sample of 200 processes, CPU: the collector's tick beside ${name}`;
      const reason = lacks([name]);
      if (reason !== null) {
        rows.push(lacking(what, "ms", reason));
        continue;
      }
      const cost = await measure(name);
      rows.push(beside(what, "ms", tick, { peer: name, value: cost.cpuMs, target: 1 }));
      if (cost.rssBytes !== null) rows.push(alone(`resident memory of ${name}`, "MiB", cost.rssBytes / MIB));
    }
    return rows;
  } finally {
    crowd.kill("SIGKILL");
  }
}

async function ours(): Promise<{ tick: number; row: number }> {
  using bench = createBenchAgent();
  const { agent } = bench;
  agent.tick();
  await agent.closeRows();
  const tick = cpuMs(() => {
    for (let at = 0; at < TICKS; at++) agent.tick();
  });
  let rowUs = 0;
  for (let at = 0; at < ROWS; at++) {
    agent.tick();
    const before = process.cpuUsage();
    const { process: rows } = await agent.closeRows();
    const { user, system } = process.cpuUsage(before);
    if (rows.length < PROCESSES) throw new Error(`${rows.length} rows of ${PROCESSES} processes`);
    rowUs += user + system;
  }
  return { tick: tick / TICKS, row: rowUs / 1_000 / ROWS };
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const peers: Readonly<Record<string, (command: string) => Promise<Cost>>> = {
  smem: async (command) => ({ cpuMs: timedByShell(`${command} > /dev/null`), rssBytes: null }),
  atop: async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
    try {
      return { cpuMs: timedByShell(`atop -w ${join(folder, "raw")} 1 ${SECONDS}`) / SECONDS, rssBytes: null };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  "prometheus-process-exporter": (command) =>
    scraped(command, (port) => ["-web.listen-address", `127.0.0.1:${port}`, "-procnames", "crowd-bench"]),
  "prometheus-node-exporter": (command) => scraped(command, (port) => ["--web.listen-address", `127.0.0.1:${port}`]),
  netdata: async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
    const port = await freePort();
    writeFileSync(
      join(folder, "netdata.conf"),
      `[global]\nrun as user = root\n[directories]\ncache = ${folder}\nlib = ${folder}\nlog = ${folder}\n[db]\nmode = ram\n[web]\nbind to = 127.0.0.1:${port}\n[ml]\nenabled = no\n`,
    );
    const child = spawn("netdata", ["-D", "-c", join(folder, "netdata.conf"), "-P", join(folder, "pid")], { stdio: "ignore" });
    try {
      if (child.pid === undefined) throw new Error("netdata did not start");
      await until("netdata answers", () => answers({ port }));
      await sleep(5_000);
      const before = treeCpuMs(child.pid);
      await sleep(SECONDS * 1_000);
      return { cpuMs: (treeCpuMs(child.pid) - before) / SECONDS, rssBytes: treeRssBytes(child.pid) };
    } finally {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function scraped(command: string, args: (port: number) => string[]): Promise<Cost> {
  const port = await freePort();
  const child = spawn(command, args(port), { stdio: "ignore" });
  try {
    const { pid } = child;
    if (pid === undefined) throw new Error(`${command} did not start`);
    await until(`${command} answers`, () => answers({ port }));
    const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await scrape();
    const before = treeCpuMs(pid);
    for (let at = 0; at < SCRAPES; at++) await scrape();
    return { cpuMs: (treeCpuMs(pid) - before) / SCRAPES, rssBytes: treeRssBytes(pid) };
  } finally {
    child.kill("SIGKILL");
  }
}

/** User and system time of a command and its children, ms. */
function timedByShell(command: string): number {
  const script = `TIMEFORMAT='%3U %3S'; { time ${command} 2>/dev/null; } 2>&1`;
  const words = execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split(/\s+/).map(Number);
  return words.slice(-2).reduce((sum, seconds) => sum + seconds * 1_000, 0);
}
