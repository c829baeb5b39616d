// The programs that npm start watches: real ones with known behaviour under the same traffic.
// What each does with its memory is in native/workloads; detection knows nothing of them.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Workload {
  readonly service: string;
  readonly behaviour: string;
  /** What detection should say of it; null when it should stay silent. */
  readonly expectedCause: string | null;
  readonly command: readonly [string, ...string[]];
}

const built = (name: string) => fileURLToPath(new URL(`../native/build/workloads/${name}`, import.meta.url));
const source = (name: string) => fileURLToPath(new URL(`../native/workloads/${name}`, import.meta.url));

/** Peak of each workload: large against the byte floors of the demo, small against any machine that can run it. */
const PEAK_MIB = "48";

export function workloads(cycleSeconds: number): readonly Workload[] {
  const traffic = [PEAK_MIB, String(cycleSeconds)] as const;
  const all: Workload[] = [
    {
      service: "demo-healthy",
      behaviour: "gives everything back after each peak",
      expectedCause: null,
      command: [built("healthy"), ...traffic],
    },
    {
      service: "demo-leak",
      behaviour: "forgets a little with every request",
      expectedCause: "leak",
      command: [built("leak"), ...traffic],
    },
    {
      service: "demo-fragmented",
      behaviour: "scattered survivors pin its pages",
      expectedCause: "fragmentation",
      command: [built("fragmented"), ...traffic],
    },
    {
      service: "demo-arenas",
      behaviour: "16 threads peak in turn, each in its own arena",
      expectedCause: "arena_bloat",
      command: [built("arenas"), ...traffic],
    },
  ];
  if (spawnSync("python3", ["--version"], { stdio: "ignore" }).status === 0) {
    all.push({
      service: "demo-python-cache",
      behaviour: "a cache that grows to its bound and stays there",
      expectedCause: null,
      command: ["python3", source("cache.py"), ...traffic],
    });
  }
  return all;
}

export interface RunningWorkload extends Workload {
  readonly child: ChildProcess;
}

export function startWorkload(workload: Workload): RunningWorkload {
  const [program, ...args] = workload.command;
  const env = { ...process.env, OTEL_SERVICE_NAME: workload.service };
  return { ...workload, child: spawn(program, args, { env, stdio: ["ignore", "ignore", "inherit"] }) };
}
