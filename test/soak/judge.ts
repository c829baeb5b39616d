// Which figures of a soak stayed flat: the last third of the time beside the one before it, because the first fills caches.
// Values in, verdicts out.
import { slopePerHour } from "../bench/collector/trend.ts";
import type { Look } from "./look.ts";

export type Figure = Exclude<keyof Look, "atMs">;

interface Rule {
  readonly name: string;
  readonly isBytes: boolean;
  /** How much higher the median of the last third may be than that of the second. */
  readonly growthMax: number;
  /** What it may never pass; null where only growth counts. */
  readonly most: number | null;
  readonly why: string;
}

const MIB = 1_024 * 1_024;

export const rules: Readonly<Record<Figure, Rule>> = {
  rssBytes: {
    name: "collector RSS",
    isBytes: true,
    growthMax: 2 * MIB,
    most: null,
    why: "code that is read for the first time counts",
  },
  anonBytes: {
    name: "collector anonymous",
    isBytes: true,
    growthMax: 1.5 * MIB,
    most: null,
    why: "V8 lets garbage lie for minutes",
  },
  handles: { name: "collector file handles", isBytes: false, growthMax: 0, most: 128, why: "a look opens a few at a time" },
  walkerRssBytes: { name: "walker RSS", isBytes: true, growthMax: MIB / 4, most: null, why: "its tables are mapped once" },
  walkerHandles: { name: "walker file handles", isBytes: false, growthMax: 0, most: 32, why: "a walk opens three" },
  spoolBytes: {
    name: "spool",
    isBytes: true,
    growthMax: MIB,
    most: 256 * MIB,
    why: "five minutes wait there for their record",
  },
  blackBoxBytes: {
    name: "black box",
    isBytes: true,
    growthMax: 16 * MIB,
    most: 16 * MIB,
    why: "it fills to an hour by design",
  },
  ringFiles: { name: "ring files", isBytes: false, growthMax: 3, most: null, why: "as many as processes that keep one" },
  ringBytes: { name: "ring folder", isBytes: true, growthMax: MIB, most: null, why: "as many as processes that keep one" },
};

export interface Verdict extends Rule {
  readonly figure: Figure;
  readonly first: number;
  readonly last: number;
  readonly largest: number;
  readonly growth: number;
  readonly slopePerHour: number;
  readonly isFlat: boolean;
}

/** Looks are `lookMs` apart; a figure that was not there in some of them is judged by the others. */
export function judge(looks: readonly Look[], lookMs: number): readonly Verdict[] {
  return (Object.entries(rules) as [Figure, Rule][]).map(([figure, rule]) => {
    const values = looks.map((look) => look[figure]).filter((value) => !Number.isNaN(value));
    if (values.length < 3) throw new Error(`${rule.name} was seen ${values.length} times: a soak takes at least three looks`);
    const third = Math.floor(values.length / 3);
    const [first, middle, last] = [values.slice(0, third), values.slice(third, -third), values.slice(-third)].map(median);
    const growth = (last ?? 0) - (middle ?? 0);
    const largest = Math.max(...values);
    return {
      figure,
      ...rule,
      first: first ?? 0,
      last: last ?? 0,
      largest,
      growth,
      slopePerHour: slopePerHour(values, lookMs),
      isFlat: growth <= rule.growthMax && (rule.most === null || largest <= rule.most),
    };
  });
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
