// Asks for the figures of a peak whose time is known, beside the peaks before it.
// When a peak is due and what is said of it is core/peaks.ts's.
import type { Peak } from "../core/alert-config.ts";
import { duePeaks, peakMessage, peakWindow } from "../core/peaks.ts";
import { type Window, windowParameters } from "../core/window.ts";
import type { Message, QueryEngine } from "../edges.ts";

/** One message for each peak that can be judged for the first time at the end of this window. */
export async function reviewDuePeaks(
  queries: QueryEngine,
  peaks: readonly Peak[],
  window: Window,
): Promise<readonly Message[]> {
  const messages: Message[] = [];
  for (const peak of duePeaks(peaks, window)) {
    const parameters = {
      ...windowParameters(peakWindow(peak, window)),
      period_seconds: window.periodMs / 1_000,
      peak_start: peak.from,
      peak_end: peak.to,
    };
    messages.push(peakMessage(peak, await queries.run("peaks", parameters)));
  }
  return messages;
}
