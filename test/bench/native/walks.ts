// Walks for benchmarks: one after another while something else is measured, or at the collector's own pace.
// The walker's protocol is the collector's; what to measure meanwhile is the benchmarks'.
import { setTimeout as sleep } from "node:timers/promises";
import { parseWalkLine, type Walk } from "../../../collector/heap/walk-line.ts";
import { startWalkerChild } from "../../../collector/heap/walker-child.ts";
import { nextDueMs } from "../../../collector/watch/budget.ts";
import { programPath } from "../../native/target.ts";

/** A walk of 10 million free chunks takes longer than the collector would wait. */
const WALK_CPU_US_MAX = 60_000_000;
const WALK_WALL_MS = 120_000;
/** The collector's default share of a core for one process. */
const COST_SHARE_MAX = 0.002;

export interface BenchWalker {
  walk(pid: number): Promise<Walk>;
  close(): void;
}

export function startBenchWalker(): BenchWalker {
  const child = startWalkerChild(programPath("tidemark-walk"));
  return {
    async walk(pid) {
      const reply = await child.request(`${pid} ${WALK_CPU_US_MAX} ${WALK_WALL_MS}`, 2 * WALK_WALL_MS);
      const walk = reply.kind === "line" ? parseWalkLine(reply.line) : null;
      if (!walk?.ok) throw new Error(`the walker did not answer: ${reply.kind}`);
      return walk.value;
    },
    close: () => child.close(),
  };
}

/** What a look costs (us) that is repeated until `done` settles, once at least. */
export async function repeatUntil<T>(done: Promise<T>, look: () => Promise<number>): Promise<{ done: T; costsUs: number[] }> {
  let isDone = false;
  const note = () => {
    isDone = true;
  };
  done.then(note, note);
  const costsUs: number[] = [];
  do costsUs.push(await look());
  while (!isDone);
  return { done: await done, costsUs };
}

export interface PacedWalks {
  /** Walks the processes in turn while `work` runs, as far as the budget goes; who they are is asked before each walk. */
  during<T>(pids: () => readonly number[], work: () => Promise<T>): Promise<T>;
  readonly walkCount: () => number;
  close(): void;
}

/**
 * The collector's pace over many short stretches of work: a walk that is not due in one stretch waits for the next, and
 * the time between stretches does not count.
 */
export function pacedWalks(): PacedWalks {
  const walker = startBenchWalker();
  let dueMs = 0;
  let workedMs = 0;
  let walkCount = 0;

  async function walkInTurn(pids: () => readonly number[], nowMs: () => number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(Math.max(0, dueMs - nowMs()), undefined, { signal }).catch(() => undefined);
      const all = pids();
      const pid = all[walkCount % all.length];
      if (signal.aborted || pid === undefined) continue;
      const startedMs = nowMs();
      const walk = await walker.walk(pid);
      walkCount++;
      dueMs = nextDueMs({ costShareMax: COST_SHARE_MAX }, startedMs, walk.walk_cpu_us);
    }
  }

  return {
    async during(pids, work) {
      const startedMs = performance.now();
      const workedBeforeMs = workedMs;
      const nowMs = () => workedBeforeMs + performance.now() - startedMs;
      const stop = new AbortController();
      const walking = walkInTurn(pids, nowMs, stop.signal);
      try {
        return await work();
      } finally {
        stop.abort();
        workedMs = nowMs();
        await walking;
      }
    },
    walkCount: () => walkCount,
    close: () => walker.close(),
  };
}
