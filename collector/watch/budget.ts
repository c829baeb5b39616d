// How often a costly measurement may be repeated: its own last cost decides.
// Pure; the clock and the cost come from the caller.

export interface Budget {
  /** Share of one core that the measurement may take on average, for example 0.002. */
  readonly costShareMax: number;
}

/** Not before this time (ms) may the measurement run again, when it ran at `startedMs` and cost `costUs` of CPU. */
export function nextDueMs(budget: Budget, startedMs: number, costUs: number): number {
  return startedMs + costUs / 1_000 / budget.costShareMax;
}

/**
 * One budget for all measurements of a kind on the host. What is not used is saved for at most one burst, so that every row
 * interval can spend its own share at once; what one takes beyond is paid back before the next.
 */
export interface SharedBudget extends Budget {
  readonly burstMs: number;
}

/** What several measurements spend from, whoever comes first. `nowMs` must be a clock that is never set. */
export interface Purse {
  hasLeft(nowMs: number): boolean;
  spend(nowMs: number, costUs: number): void;
}

/** The budget is asked for each time: a reload may have changed it. */
export function createPurse(budget: () => SharedBudget): Purse {
  let spentMs = Number.NEGATIVE_INFINITY;
  return {
    hasLeft: (nowMs) => spentMs <= nowMs,
    spend(nowMs, costUs) {
      spentMs = nextDueMs(budget(), Math.max(spentMs, nowMs - budget().burstMs), costUs);
    },
  };
}

/** So few are always looked at and get their rows, whatever that costs: some 20 ms of CPU a minute. */
export const PROCESSES_NEVER_SAMPLED = 256;

/** How many rows an interval may close, when each costs so much: whoever is left out comes first in the next. */
export const rowCountMax = (budget: SharedBudget, rowCostUs: number): number =>
  Math.max(PROCESSES_NEVER_SAMPLED, Math.floor((budget.burstMs * 1_000 * budget.costShareMax) / rowCostUs));

/** The kernel needs about 10 ms a GB for smaps_rollup and holds the target's mmap lock meanwhile (measured, Linux 6.18). */
const ROLLUP_MS_PER_BYTE = 10 / 1e9;

/** Whether a look at the whole address space would stall the target's mmap calls for longer than it may. */
export const rollupWouldStall = (rssBytes: number, stallMsMax: number): boolean => rssBytes * ROLLUP_MS_PER_BYTE > stallMsMax;
