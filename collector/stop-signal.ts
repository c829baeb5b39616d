// When the collector has to stop: a signal, or the end of whoever started it for a while; and how long it may take over it.
// Closing the last rows and delivering them is main.ts's.

export interface StopOptions {
  /** The end of standard input counts as well: a parent that is killed can send no signal, but its pipe closes. */
  readonly onStdinEnd: boolean;
}

export interface Stop {
  readonly signal: AbortSignal;
  /** Of the time that stopping may take; all of it while nobody has asked. */
  leftMs(): number;
}

/**
 * Who stops us waits for five seconds. A disk that is slow may keep us in one call before we hear the signal and in one more
 * at the end, which nothing can cut short.
 */
const STOP_MS_MAX = 3_500;

export function stopSignal({ onStdinEnd }: StopOptions): Stop {
  const stop = new AbortController();
  let stoppedAtMs: number | null = null;
  const end = () => {
    stoppedAtMs ??= performance.now();
    stop.abort();
  };
  process.on("SIGTERM", end).on("SIGINT", end);
  if (onStdinEnd) {
    process.stdin.on("end", end).on("close", end).on("error", end).resume();
    // Waiting for the parent must not keep a collector alive that has ended its work.
    process.stdin.unref?.();
  }
  return {
    signal: stop.signal,
    leftMs: () => (stoppedAtMs === null ? STOP_MS_MAX : Math.max(0, stoppedAtMs + STOP_MS_MAX - performance.now())),
  };
}
