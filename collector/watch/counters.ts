// What the collector counts about itself between two rows of its own: a monitor that goes blind must show it.
import type { ProcError } from "../proc/read.ts";

export interface Counters {
  gone: number;
  /** Kernel files that did not parse or could not be read, and processes that failed in a way nobody foresaw. */
  malformed: number;
  faultIsTold: boolean;
  rows: number;
  walks: number;
  unknownWalks: number;
  walkCpuUs: number;
  ticks: number;
  tickMsMax: number;
  /** Processes that were to have a row and got none. */
  skipped: number;
}

export const zeroCounters = (): Counters => ({
  gone: 0,
  malformed: 0,
  faultIsTold: false,
  rows: 0,
  walks: 0,
  unknownWalks: 0,
  walkCpuUs: 0,
  ticks: 0,
  tickMsMax: 0,
  skipped: 0,
});

/** Denied is not counted here: it lasts, so it is a level (processes denied now), not a rate. */
export function countError(counters: Counters, error: ProcError): void {
  if (error.kind === "gone") counters.gone++;
  if (error.kind === "malformed" || error.kind === "unreadable") counters.malformed++;
}
