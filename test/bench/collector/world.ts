// A small world for the collector: a pid namespace that holds a crowd of processes and nobody else, so that what else the machine
// runs is not measured. What the collector costs in it is read from outside, by /proc.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { make, programPath } from "../../native/target.ts";
import { until } from "../../support/service.ts";
import { childrenOf, ownCpuMs, statusBytes } from "./tree.ts";

/** Above the collector's floor of 16 MiB. */
const MIB_EACH = 17;
const entry = fileURLToPath(new URL("../../../collector/main.ts", import.meta.url));
/** As the unit and local/collector-process.ts start it. */
const NODE_FLAGS = ["--v8-pool-size=0", "--max-semi-space-size=1"];

export interface World extends Disposable {
  /** Of the collector, as seen from here. */
  readonly pid: number;
  readonly log: () => string;
  /** CPU of the collector and all that it started, in ms. */
  cpuMs(): number;
  /** Resident and anonymous bytes of the collector itself. */
  memory(): { readonly rss: number; readonly anon: number };
  readonly folder: string;
}

export interface WorldOptions {
  readonly processes: number;
  /** Seconds after which one process is replaced by another; 0 for never. */
  readonly churnSeconds: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Throws where namespaces cannot be had: they take root. */
export async function startWorld({ processes, churnSeconds, env }: WorldOptions): Promise<World> {
  make("all", "bench-programs");
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const crowd = `${programPath("bench/crowd-bench")} ${processes} ${MIB_EACH} ${churnSeconds}`;
  const collector = [process.execPath, ...NODE_FLAGS, entry].map((word) => `'${word}'`).join(" ");
  const script = `${crowd} >&2 & exec ${collector}`;
  const child = spawn("unshare", ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", script], {
    env: {
      PATH: process.env["PATH"],
      MALLOC_ARENA_MAX: "1",
      TIDEMARK_IMDS: "off",
      TIDEMARK_RING_FOLDER: join(folder, "rings"),
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const end = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until("the collector starts", () => (text.includes("collector starts") && text.includes("ready\n") ? true : null));
    const pid = childrenOf(child.pid ?? 0)[0];
    if (pid === undefined) throw new Error(`there is no collector: ${text}`);
    return {
      pid,
      folder,
      log: () => text,
      cpuMs: () => collectorCpuMs(pid),
      memory: () => ({ rss: statusBytes(pid, "VmRSS"), anon: statusBytes(pid, "RssAnon") }),
      [Symbol.dispose]: end,
    };
  } catch (error) {
    end();
    throw error;
  }
}

const COMM_OF_WALKER = "tidemark-walk";

/** The crowd descends from it too, being started by the same shell: of its children only the walker counts. */
function collectorCpuMs(pid: number): number {
  const walkers = childrenOf(pid).filter((one) => readFileSync(`/proc/${one}/comm`, "utf8").trim() === COMM_OF_WALKER);
  return [pid, ...walkers].reduce((sum, one) => sum + ownCpuMs(one), 0);
}
