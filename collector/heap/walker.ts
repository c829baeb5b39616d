// Keeps one native walker running and asks it for one heap after another.
// When to walk which process is watch/'s decision; what a line means is walk-line.ts's.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseWalkLine, type Walk } from "./walk-line.ts";

export interface Walker {
  /** The heap of one process, now. Never rejects: a walker that fails is an unknown heap with the reason `walker_failed`. */
  walk(pid: number, cpuBudgetUs: number): Promise<Walk>;
  /** CPU time of the walker is part of each Walk; close ends the process. */
  close(): void;
}

/** A walk is bounded by its CPU budget; this is for a walker that hangs (a target in uninterruptible sleep). */
const ANSWER_TIMEOUT_MS = 10_000;
/** A walker that fails again and again is left alone for ever longer, up to this: starting processes is not free. */
const RESTART_PAUSE_MS_MAX = 60_000;
/** The first failure is forgiven; the second one in a row costs this pause, which then doubles. */
const RESTART_PAUSE_MS_FIRST = 1_000;

export function startWalker(path: string, nowMs: () => number = Date.now): Walker {
  let child: ChildProcessWithoutNullStreams | null = null;
  let answer: ((line: string | null) => void) | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let failuresInARow = 0;
  let pausedUntilMs = 0;

  const start = (): ChildProcessWithoutNullStreams => {
    const started = spawn(path, ["--serve"], { stdio: "pipe" });
    const fail = () => {
      if (child === started) child = null;
      answer?.(null);
    };
    createInterface({ input: started.stdout }).on("line", (line) => answer?.(line));
    started.on("error", fail).on("exit", fail);
    // A request written to a walker that has just died is answered by its exit.
    started.stdin.on("error", fail);
    started.stderr.resume();
    return started;
  };

  const ask = async (pid: number, cpuBudgetUs: number): Promise<Walk> => {
    if (child === null && nowMs() < pausedUntilMs) return failed(pid);
    child ??= start();
    const asked = child;
    const line = await new Promise<string | null>((resolve) => {
      const timer = setTimeout(() => {
        asked.kill("SIGKILL");
        resolve(null);
      }, ANSWER_TIMEOUT_MS);
      answer = (text) => {
        clearTimeout(timer);
        answer = null;
        resolve(text);
      };
      asked.stdin.write(`${pid} ${cpuBudgetUs}\n`);
    });
    const walk = line === null ? null : parseWalkLine(line);
    if (walk?.ok && walk.value.pid === pid) {
      failuresInARow = 0;
      return walk.value;
    }
    // An answer out of step would give one process's heap to another, so a new walker starts with the next request.
    asked.kill("SIGKILL");
    if (child === asked) child = null;
    failuresInARow++;
    if (failuresInARow > 1) {
      pausedUntilMs = nowMs() + Math.min(RESTART_PAUSE_MS_MAX, RESTART_PAUSE_MS_FIRST * 2 ** (failuresInARow - 2));
    }
    return failed(pid);
  };

  const failed = (pid: number): Walk => ({ kind: "unknown", reason: "walker_failed", pid, walk_cpu_us: 0, vma_count: null });

  return {
    walk(pid, cpuBudgetUs) {
      const walk = queue.then(() => ask(pid, cpuBudgetUs));
      queue = walk;
      return walk;
    },
    close() {
      child?.stdin.end();
      child = null;
    },
  };
}
