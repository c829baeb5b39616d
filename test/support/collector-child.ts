// The collector as a process of its own, as systemd would start it: its log, its signals, and an end when the tests have theirs.
// What it delivers is looked at by the tests.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { walkerPath } from "./native.ts";
import { until } from "./service.ts";

const entry = fileURLToPath(new URL("../../collector/main.ts", import.meta.url));
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

export interface CollectorChild {
  readonly pid: number;
  /** All lines so far. */
  log(): string;
  /** Waits until the log matches. */
  says(pattern: RegExp): Promise<void>;
  signal(name: "SIGHUP" | "SIGTERM"): void;
  /** SIGTERM; how it ended, and how long that took. */
  stop(): Promise<{ readonly code: number | null; readonly tookMs: number }>;
}

/** Nothing of ours is in its environment but these: it asks nobody beyond loopback and uses no folder of the host. */
export function startCollector(env: Readonly<Record<string, string>>, args: readonly string[] = []): CollectorChild {
  walkerPath();
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH: process.env["PATH"], TIDEMARK_IMDS: "off", TIDEMARK_RING_FOLDER: join(emptyFolder(), "rings"), ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  started.push(child);
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the collector did not start");
  return {
    pid,
    log: () => text,
    says: async (pattern) =>
      void (await until(
        `the log says ${pattern}`,
        () => (pattern.test(text) ? true : null),
        () => text,
      )),
    signal: (name) => void child.kill(name),
    async stop() {
      const ended = once(child, "exit");
      const startedMs = performance.now();
      child.kill("SIGTERM");
      const [code] = await ended;
      return { code: code as number | null, tookMs: performance.now() - startedMs };
    },
  };
}

export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), "tidemark-"));
