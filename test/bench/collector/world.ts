// A small world for the collector: a pid namespace that holds a crowd of processes and nobody else, so that what else the machine
// runs is not measured; or the host with that crowd on it. What the collector costs in it is read from outside, by /proc.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleHost, type Manifest } from "../../../infra/package/bundle.ts";
import { make, programPath } from "../../native/target.ts";
import { until } from "../../support/service.ts";
import { childrenOf, ownCpuMs, statusBytes } from "./tree.ts";

/** Above the collector's floor of 16 MiB. */
const MIB_EACH = 17;
const unit = fileURLToPath(new URL("../../../infra/package/files/tidemark-collector.service", import.meta.url));

const DIES_WITH_US = ["--pdeathsig", "KILL"];
/** Ends with its parent, and everything in it with it. */
const UNSHARED = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

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
  /** A command of the shell that runs beside the crowd, in the background. */
  readonly beside?: string;
  /** Also what else the machine runs: only in the first pid namespace does the collector take away ring files of dead processes. */
  readonly seesHost?: boolean;
}

/** Throws where namespaces cannot be had: they take root. */
export async function startWorld({ processes, churnSeconds, env, beside, seesHost = false }: WorldOptions): Promise<World> {
  make("all", "bench-programs");
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const crowd = `${programPath("bench/crowd-bench")} ${processes} ${MIB_EACH} ${churnSeconds}`;
  const { entry, nodeFlags, environment } = await packagedCollector(folder);
  const collector = [process.execPath, ...nodeFlags, entry];
  const crowded = `${crowd} >&2 & ${beside === undefined ? "" : `(${beside}) & `}`;
  const inside = [...UNSHARED, "bash", "-c", `${crowded}exec ${seesHost ? "sleep infinity" : quoted(collector)}`];
  const aside = seesHost ? spawn("setpriv", [...DIES_WITH_US, ...inside], { stdio: ["ignore", "ignore", "pipe"] }) : null;
  const child = spawn("setpriv", [...DIES_WITH_US, ...(seesHost ? collector : inside)], {
    env: {
      PATH: process.env["PATH"],
      ...environment,
      TIDEMARK_WALKER: programPath("tidemark-walk"),
      TIDEMARK_IMDS: "off",
      TIDEMARK_RING_FOLDER: join(folder, "rings"),
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  for (const one of [child, aside]) {
    one?.stderr.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
  }
  const end = () => {
    child.kill("SIGKILL");
    aside?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until("the collector starts", () => (text.includes("collector starts") && text.includes("ready\n") ? true : null));
    const pid = seesHost ? child.pid : childrenOf(child.pid ?? 0)[0];
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

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

/** What the package installs, and as its unit starts it: the sources would cost their loader as well. */
async function packagedCollector(folder: string) {
  const manifest: Manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const { entries } = await bundleHost(manifest);
  for (const { path, bytes } of entries) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  const lines = readFileSync(unit, "utf8").split("\n");
  const start = lines.find((line) => line.startsWith("ExecStart=")) ?? "";
  const [, flags = "", script = ""] = /^ExecStart=\S+\/node((?: --\S+)*) \/(\S+)/.exec(start) ?? [];
  const environment = lines.flatMap((line) => /^Environment=(\w+)=(\S+)$/.exec(line)?.slice(1) ?? []);
  return {
    entry: join(folder, script),
    nodeFlags: flags.split(" ").filter(Boolean),
    environment: Object.fromEntries(environment.flatMap((name, at) => (at % 2 === 0 ? [[name, environment[at + 1]]] : []))),
  };
}

const COMM_OF_WALKER = "tidemark-walk";

/** The crowd descends from it too, being started by the same shell: of its children only the walker counts. */
function collectorCpuMs(pid: number): number {
  const walkers = childrenOf(pid).filter((one) => readFileSync(`/proc/${one}/comm`, "utf8").trim() === COMM_OF_WALKER);
  return [pid, ...walkers].reduce((sum, one) => sum + ownCpuMs(one), 0);
}
