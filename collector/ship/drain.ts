// How much of what an outage left may go along with what is new: never more than as much again.
// Who asks and what is sent is outbox.ts's; the clock is passed in.

export interface Drain {
  /** New records of this many bytes were made: the steady rate is measured by them. */
  noteFresh(bytes: number): void;
  /** Bytes that may be sent now beside what is new. */
  allowance(): number;
  /** Whether a single record may exceed the allowance: it has been saved up for as long as is useful. */
  isFull(): boolean;
  spend(bytes: number): void;
  /** After a failure nothing is saved up: the way back begins slowly. */
  reset(): void;
}

/** A new measurement's weight in the steady rate: a burst of rows must not look like the usual for long. */
const NEW_SHARE = 0.3;
/** What was not used for so long is forfeit: saved for longer, it would be the burst that the bound is against. */
const SAVED_MS_MAX = 60_000;

/** `nowMs` must be a clock that is never set. */
export function createDrain(nowMs: () => number): Drain {
  let bytesPerMs: number | null = null;
  let lastFreshMs = nowMs();
  let lastMs = nowMs();
  let saved = 0;

  const save = () => {
    const now = nowMs();
    const rate = bytesPerMs ?? 0;
    saved = Math.min(saved + rate * (now - lastMs), rate * SAVED_MS_MAX);
    lastMs = now;
  };

  return {
    noteFresh(bytes) {
      save();
      const passedMs = lastMs - lastFreshMs;
      if (passedMs <= 0) return;
      const rate = bytes / passedMs;
      bytesPerMs = bytesPerMs === null ? rate : bytesPerMs + NEW_SHARE * (rate - bytesPerMs);
      lastFreshMs = lastMs;
    },
    allowance() {
      save();
      return saved;
    },
    isFull: () => bytesPerMs !== null && bytesPerMs > 0 && saved >= bytesPerMs * SAVED_MS_MAX,
    spend(bytes) {
      // Below zero after a record larger than the savings: it is paid back before the next.
      saved -= bytes;
    },
    reset() {
      saved = Math.min(saved, 0);
      lastMs = nowMs();
    },
  };
}
