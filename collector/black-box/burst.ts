// Whether a process has just grown by so much that its last hour is worth keeping, although it lives on.
// Pure; looks come from the caller with their time.

/** The smallest resident size of the last half to whole window: two numbers, however often it is looked at. */
export interface Lows {
  sinceMs: number;
  now: number;
  /** Of the half window before; null while there is none to compare with. */
  before: number | null;
  /** Programs grow when they start: with the first half window nothing is compared. */
  isStarting: boolean;
}

/** Growth of an hour is what the rows of every minute show; this is for what passes between them. */
const BURST_WINDOW_MS = 60_000;
/** Below a quarter a batch or a collection of garbage looks the same. */
const BURST_RATIO = 1.25;
/** Below it a burst frees nothing worth a look, however small the process was. */
const BURST_BYTES_MIN = 256 * 1_024 * 1_024;

export const lowsFrom = (upMs: number, rssBytes: number): Lows => ({
  sinceMs: upMs,
  now: rssBytes,
  before: null,
  isStarting: true,
});

/** Takes in one look; whether the process has grown by a ratio and by a floor within the window. */
export function hasBurst(lows: Lows, upMs: number, rssBytes: number): boolean {
  if (upMs - lows.sinceMs >= BURST_WINDOW_MS / 2) {
    // After a pause of the looks themselves nobody knows how fast it grew.
    const isPaused = upMs - lows.sinceMs >= BURST_WINDOW_MS;
    lows.before = isPaused || lows.isStarting ? null : lows.now;
    lows.isStarting = false;
    lows.now = rssBytes;
    lows.sinceMs = upMs;
  }
  lows.now = Math.min(lows.now, rssBytes);
  if (lows.before === null) return false;
  const low = Math.min(lows.before, lows.now);
  return rssBytes >= low * BURST_RATIO && rssBytes - low >= BURST_BYTES_MIN;
}
