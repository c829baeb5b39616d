// When the folder of ring files is swept: seldom, and the more seldom the more it costs. What is found is counted and handed on.
// What a sweep does is heap/ring-folder.ts's.
import { mappedRings } from "../heap/mapped-rings.ts";
import { type DeadRing, sweepRings } from "../heap/ring-folder.ts";
import { nextDueMs } from "./budget.ts";

/** Nothing is lost by waiting: the files stay. When there was more than one sweep takes, its cost alone says when the next comes. */
const SWEEP_PAUSE_MS = 60_000;
/** Reading the maps of every process costs milliseconds; one part in a thousand of a core at most. */
const SWEEP_COST_SHARE_MAX = 0.001;

export interface SweeperEdge {
  readonly folder: string;
  nowMs(): number;
  /** By a clock that is never set: when the next sweep is due. */
  upMs(): number;
  cpuUs(): number;
  /** The last words of a process that has ended, oldest first. */
  onDead(dead: DeadRing): void;
  onFault(error: unknown): void;
}

export interface Sweeper {
  /** Sweeps if it is due. Never throws. */
  sweepIfDue(): void;
  /** Files removed since the last call. */
  takeDeadRingCount(): number;
}

export function createSweeper(edge: SweeperEdge, mappedFiles = mappedRings): Sweeper {
  let dueMs = 0;
  let removedCount = 0;
  let passed = 0;
  /** Names of the last sweep: without CAP_FOWNER other users' files stay, and are found again every time. */
  let told: ReadonlySet<string> = new Set();
  return {
    sweepIfDue() {
      const startedMs = edge.upMs();
      if (startedMs < dueMs) return;
      const startedUs = edge.cpuUs();
      let pauseMs = SWEEP_PAUSE_MS;
      try {
        const sweep = sweepRings(edge.folder, { nowMs: edge.nowMs, mappedFiles }, passed);
        passed = sweep.nextPassed;
        removedCount += sweep.removedCount;
        if (sweep.isPartial && sweep.removedCount > 0) pauseMs = 0;
        for (const dead of sweep.dead) if (!told.has(dead.name)) edge.onDead(dead);
        told = new Set(sweep.dead.map(({ name }) => name));
      } catch (error) {
        edge.onFault(error);
      }
      const cost = edge.cpuUs() - startedUs;
      dueMs = Math.max(startedMs + pauseMs, nextDueMs({ costShareMax: SWEEP_COST_SHARE_MAX }, startedMs, cost));
    },
    takeDeadRingCount() {
      const count = removedCount;
      removedCount = 0;
      return count;
    },
  };
}
