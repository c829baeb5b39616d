// When the collector has to stop: a signal, or the end of whoever started it for a while.
// Closing the last rows and delivering them is main.ts's.

export interface StopOptions {
  /** The end of standard input counts as well: a parent that is killed can send no signal, but its pipe closes. */
  readonly onStdinEnd: boolean;
}

export function stopSignal({ onStdinEnd }: StopOptions): AbortSignal {
  const stop = new AbortController();
  const end = () => stop.abort();
  process.on("SIGTERM", end).on("SIGINT", end);
  if (!onStdinEnd) return stop.signal;
  process.stdin.on("end", end).on("close", end).on("error", end).resume();
  // Waiting for the parent must not keep a collector alive that has ended its work.
  process.stdin.unref?.();
  return stop.signal;
}
