// Runs as figures that can be compared: after-peak memory, noise, differences beyond it, and which setting is best. Pure.
// Words and drawings are text.ts's and chart.ts's.
import { effortRank } from "../../functions/core/advice/remedy.ts";
import type { Setting } from "./matrix.ts";
import type { Ending, Run } from "./run.ts";

/** Median of the runs of one setting, and how far they lay apart; null where it was not measured. */
export interface Figure {
  readonly median: number;
  readonly spread: number;
}

export interface Outcome {
  readonly setting: Setting;
  readonly runs: readonly Run[];
  readonly peakRssBytes: Figure | null;
  readonly afterRssBytes: Figure | null;
  readonly liveBytes: Figure | null;
  readonly cpuSeconds: Figure | null;
  readonly seconds: Figure | null;
  readonly ending: string;
  readonly isFailed: boolean;
  readonly notes: readonly string[];
}

export interface Difference {
  /** With it, less without it. */
  readonly amount: number;
  readonly isNoise: boolean;
}

/** Two runs may agree by chance: nothing below these parts, and these amounts, is told from noise. */
const BYTES_NOISE_SHARE = 0.02;
const BYTES_NOISE_MIN = 524_288;
const SECONDS_NOISE_SHARE = 0.1;
/** The kernel counts CPU in hundredths of a second, and a start of a process takes some. */
const SECONDS_NOISE_MIN = 0.1;
/** jemalloc returns unused pages over ten seconds: a tail that begins before has not seen it. */
const DECAY_MS = 10_000;
/** Less than this part of what is left after the peak is nobody's change of settings. */
const WORTH_SHARE_MIN = 0.05;
/** Of settings whose effects differ by less than this part, the smaller effort is the better one. */
const SAME_SHARE = 0.1;
/** More CPU or time than this part is said beside a recommendation. */
const DEARER_SHARE_MIN = 0.1;

/** When the settled tail of a run begins: the last half of the settling, but never before the way down from the peak is half over. */
export function tailFromMs({ points, durationMs }: Run, settleMs: number): number {
  const peak = points.reduce(
    (one, other) => (other.rssBytes > one.rssBytes ? other : one),
    points[0] ?? { atMs: 0, rssBytes: 0 },
  );
  const lastMs = points.at(-1)?.atMs ?? durationMs;
  return Math.min(lastMs, Math.max(durationMs - settleMs / 2, (peak.atMs + lastMs) / 2));
}

export const afterRssOf = (run: Run, settleMs: number): number | null =>
  medianOf(run.points.filter(({ atMs }) => atMs >= tailFromMs(run, settleMs)).map(({ rssBytes }) => rssBytes));

/** Its heaps in the tail; where it was too short for one, the last there is. */
export function tailHeaps(run: Run, settleMs: number): Run["heaps"] {
  const fromMs = tailFromMs(run, settleMs);
  const inTail = run.heaps.filter(({ atMs }) => atMs >= fromMs);
  return inTail.length > 0 ? inTail : run.heaps.slice(-1);
}

export function outcomeOf(setting: Setting, runs: readonly Run[], settleMs: number): Outcome {
  const figure = (value: (run: Run) => number | null) => figureOf(runs.flatMap((run) => value(run) ?? []));
  const endings = [...new Set(runs.map(({ ending }) => endingText(ending)))];
  const notes = runs.flatMap((run) => [...run.notes, ...allocatorNotes(setting, run, settleMs)]);
  return {
    setting,
    runs,
    peakRssBytes: figure(({ peakRssBytes }) => peakRssBytes),
    afterRssBytes: figure((run) => afterRssOf(run, settleMs)),
    liveBytes: figure((run) => medianOf(tailHeaps(run, settleMs).flatMap(({ row }) => row.live_bytes ?? []))),
    cpuSeconds: figure(({ cpuSeconds }) => cpuSeconds),
    seconds: figure(({ seconds }) => seconds),
    ending: endings.join(", "),
    isFailed: runs.some(({ ending }) => ending.kind === "failed" || ending.kind === "interrupted"),
    notes: [...new Set(notes)],
  };
}

export function endingText(ending: Ending): string {
  switch (ending.kind) {
    case "exit":
      return String(ending.code);
    case "signal":
      return ending.signal;
    case "ended":
      return "ended";
    case "timeout":
      return "timeout";
    case "interrupted":
      return "interrupted";
    case "failed":
      return "failed";
  }
}

/** Preloading does nothing in a program that is linked statically, or that changes its user as it starts. */
function allocatorNotes({ allocator }: Setting, run: Run, settleMs: number): readonly string[] {
  const seen = tailHeaps(run, settleMs).at(-1)?.row.allocator ?? null;
  if (allocator === "jemalloc" && seen === allocator && settleMs < 2 * DECAY_MS)
    return ["jemalloc returns unused pages over 10 s: settle for 20 s or more to see it"];
  return allocator === null || seen === null || seen === allocator
    ? []
    : [`${allocator} did not take over malloc (${seen} serves it): is the program linked statically, or setuid?`];
}

/** Null where one of them was not measured. */
export const bytesDifference = (one: Figure | null, base: Figure | null): Difference | null =>
  difference(one, base, { share: BYTES_NOISE_SHARE, least: BYTES_NOISE_MIN });

export const secondsDifference = (one: Figure | null, base: Figure | null): Difference | null =>
  difference(one, base, { share: SECONDS_NOISE_SHARE, least: SECONDS_NOISE_MIN });

function difference(one: Figure | null, base: Figure | null, noise: { share: number; least: number }): Difference | null {
  if (one === null || base === null) return null;
  const amount = one.median - base.median;
  return { amount, isNoise: Math.abs(amount) <= Math.max(noise.least, noise.share * base.median, one.spread, base.spread) };
}

/** How far the expected effect was from the measured one, as a part of the measured; null where there is nothing to compare. */
export function expectationError({ setting }: Outcome, after: Difference | null): number | null {
  if (setting.expectedBytes === null || setting.expectedBytes === 0 || after === null || after.isNoise) return null;
  return Math.abs(setting.expectedBytes + after.amount) / Math.abs(after.amount);
}

export interface Verdict {
  readonly best: Outcome | null;
  /** Which of them left least, where none is worth it. */
  readonly nearest: Outcome | null;
  readonly dearer: readonly string[];
}

export function verdictOf(base: Outcome, others: readonly Outcome[]): Verdict {
  // What a host must have at the peak counts as much as what is kept from the others after it.
  const saved = (outcome: Outcome) =>
    savedBeyondNoise(outcome.afterRssBytes, base.afterRssBytes) + savedBeyondNoise(outcome.peakRssBytes, base.peakRssBytes);
  const usable = others
    .filter(({ isFailed, ending }) => !isFailed && ending === base.ending)
    .sort((one, other) => saved(other) - saved(one));
  const helpful = usable.filter((outcome) => {
    const after = bytesDifference(outcome.afterRssBytes, base.afterRssBytes);
    return after !== null && !after.isNoise && -after.amount >= WORTH_SHARE_MIN * (base.afterRssBytes?.median ?? 0);
  });
  const most = helpful[0] === undefined ? 0 : saved(helpful[0]);
  const [best = null] = helpful
    .filter((outcome) => saved(outcome) >= (1 - SAME_SHARE) * most)
    .sort((one, other) => effortRank[one.setting.effort] - effortRank[other.setting.effort]);
  const left = ({ afterRssBytes }: Outcome) => afterRssBytes?.median ?? Number.POSITIVE_INFINITY;
  const [nearest = null] = usable.toSorted((one, other) => left(one) - left(other));
  return { best, nearest, dearer: best === null ? [] : dearerThan(base, best) };
}

function savedBeyondNoise(one: Figure | null, base: Figure | null): number {
  const change = bytesDifference(one, base);
  return change === null || change.isNoise ? 0 : -change.amount;
}

function dearerThan(base: Outcome, best: Outcome): readonly string[] {
  const share = (one: Figure | null, other: Figure | null, change: Difference | null) =>
    one === null || other === null || change === null || change.isNoise || other.median === 0
      ? 0
      : change.amount / other.median;
  const more = [
    ["CPU", share(best.cpuSeconds, base.cpuSeconds, secondsDifference(best.cpuSeconds, base.cpuSeconds))],
    ["time", share(best.seconds, base.seconds, secondsDifference(best.seconds, base.seconds))],
    ["memory at the peak", share(best.peakRssBytes, base.peakRssBytes, bytesDifference(best.peakRssBytes, base.peakRssBytes))],
  ] as const;
  return more.flatMap(([what, part]) => (part > DEARER_SHARE_MIN ? [`${Math.round(part * 100)} % more ${what}`] : []));
}

function figureOf(values: readonly number[]): Figure | null {
  const median = medianOf(values);
  return median === null ? null : { median, spread: Math.max(...values) - Math.min(...values) };
}

function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((one, other) => one - other);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
