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
 * One budget for all walks of the host. What is not used is saved for at most one burst, so that every row interval can
 * spend its own share at once; what a walk takes beyond is paid back before the next one.
 */
export interface SharedBudget extends Budget {
  readonly burstMs: number;
}

/** The time (ms) up to which CPU is spent, when `costUs` more is: nothing may run while that lies ahead of now. */
export function spentUntilMs(budget: SharedBudget, spentMs: number, nowMs: number, costUs: number): number {
  return nextDueMs(budget, Math.max(spentMs, nowMs - budget.burstMs), costUs);
}

/** The kernel needs about 10 ms a GB for smaps_rollup and holds the target's mmap lock meanwhile (measured, Linux 6.18). */
const ROLLUP_MS_PER_BYTE = 10 / 1e9;

/** Whether a look at the whole address space would stall the target's mmap calls for longer than it may. */
export const rollupWouldStall = (rssBytes: number, stallMsMax: number): boolean => rssBytes * ROLLUP_MS_PER_BYTE > stallMsMax;
