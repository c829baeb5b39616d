// Keeps one native walker running and asks it for one heap after another.
// When to walk which process is watch/'s decision; what a line means is walk-line.ts's, the child itself walker-child.ts's.
import { parseWalkLine, type Walk } from "./walk-line.ts";
import { startWalkerChild, type WalkerChild } from "./walker-child.ts";

export interface Walker {
  /** The heap of one process, now. Never rejects: a walker that fails is an unknown heap with the reason `walker_failed`. */
  walk(pid: number, cpuBudgetUs: number): Promise<Walk>;
  /** CPU time of the walker is part of each Walk; close ends the process. */
  close(): void;
}

export interface WalkerTimes {
  readonly nowMs: () => number;
  /** For a walker that hangs although its own deadline has passed: its target holds the lock that it waits for. */
  readonly answerTimeoutMs: number;
}

/** The walker ends a walk by itself after this, however loaded the host is: an answer that came late would be lost. */
const WALK_WALL_MS = 5_000;
const USUAL_TIMES: WalkerTimes = { nowMs: Date.now, answerTimeoutMs: 10_000 };
/** A walker that fails again and again is left alone for ever longer, up to this: starting processes is not free. */
const RESTART_PAUSE_MS_MAX = 60_000;
/** The first failure is forgiven; the second one in a row costs this pause, which then doubles. */
const RESTART_PAUSE_MS_FIRST = 1_000;

export function startWalker(path: string, times: Partial<WalkerTimes> = {}): Walker {
  const { nowMs, answerTimeoutMs } = { ...USUAL_TIMES, ...times };
  let child: WalkerChild | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let failuresInARow = 0;
  let pausedUntilMs = 0;

  const ask = async (pid: number, cpuBudgetUs: number): Promise<Walk> => {
    if (child?.hasEnded()) child = null;
    if (child === null && nowMs() < pausedUntilMs) return failed(pid, 0);
    child ??= startWalkerChild(path);
    const asked = child;
    const reply = await asked.request(`${pid} ${cpuBudgetUs} ${WALK_WALL_MS}`, answerTimeoutMs);
    const walk = reply.kind === "line" ? parseWalkLine(reply.line) : null;
    if (walk?.ok && walk.value.pid === pid) {
      failuresInARow = 0;
      return walk.value;
    }
    // An answer out of step would give one process's heap to another, so a new walker starts with the next request.
    asked.kill();
    child = null;
    // A hanging walk says something about its target, not about the walker: the next target must not pay for it.
    if (reply.kind !== "timeout") noteFailure();
    // What it has used is not known any more. Charged with all that it could have used, it is not repeated at once.
    return failed(pid, reply.kind === "not_started" ? 0 : cpuBudgetUs);
  };

  const noteFailure = () => {
    failuresInARow++;
    if (failuresInARow < 2) return;
    pausedUntilMs = nowMs() + Math.min(RESTART_PAUSE_MS_MAX, RESTART_PAUSE_MS_FIRST * 2 ** (failuresInARow - 2));
  };

  return {
    walk(pid, cpuBudgetUs) {
      const walk = queue.then(() => ask(pid, cpuBudgetUs));
      queue = walk;
      return walk;
    },
    close() {
      child?.close();
      child = null;
    },
  };
}

const failed = (pid: number, walk_cpu_us: number): Walk => ({
  kind: "unknown",
  reason: "walker_failed",
  pid,
  walk_cpu_us,
  vma_count: null,
});
