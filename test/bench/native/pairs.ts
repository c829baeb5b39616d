// The same work without and with us, in turn, so that what slows the machine slows both halves of a pair alike.
// What the work is, and what "with us" means, is the benchmarks'.
import { type BenchRow, beside, median } from "../row.ts";

export interface Pair<T> {
  readonly off: T;
  readonly on: T;
}

/** What one half did. */
export interface Turn {
  /** Per second that passed. */
  readonly rate: number;
  /** CPU (us) of the program for one of them. Who else runs on the machine hardly shows in it. */
  readonly cpuUs: number;
}

/** Runs both halves of each pair; which one is first changes from pair to pair. */
export async function interleave<T>(
  count: number,
  halves: { readonly off: () => Promise<T>; readonly on: () => Promise<T> },
): Promise<Pair<T>[]> {
  const pairs: Pair<T>[] = [];
  for (let at = 0; at < count; at++) {
    if (at % 2 === 0) {
      const off = await halves.off();
      pairs.push({ off, on: await halves.on() });
    } else {
      const on = await halves.on();
      pairs.push({ off: await halves.off(), on });
    }
  }
  return pairs;
}

/** Throughput, of which more is better: the ratio is the median of the pairs' own. And the CPU for one. */
export function throughputRows(name: string, unit: string, pairs: readonly Pair<Turn>[], target: number | null): BenchRow[] {
  const ratios = pairs.map(({ off, on }) => on.rate / off.rate).sort((one, other) => one - other);
  const quartile = (share: number) => ratios[Math.floor(ratios.length * share)]?.toFixed(3);
  // That is how noisy it was.
  process.stderr.write(`bench: ${name}: half of ${ratios.length} ratios lie within ${quartile(0.25)} to ${quartile(0.75)}\n`);
  const rate = (half: "off" | "on") => median(pairs.map((pair) => pair[half].rate));
  const cpuUs = (half: "off" | "on") => middleMean(pairs.map((pair) => pair[half].cpuUs));
  return [
    { name, value: rate("on"), unit: `${unit}/s`, peer: "without", peer_value: rate("off"), ratio: median(ratios), target },
    beside(`${name}, CPU for one`, "us", cpuUs("on"), { peer: "without", value: cpuUs("off") }),
  ];
}

/** Mean of the middle half: neither outliers nor the hundredths of a second that /proc counts in come through. */
function middleMean(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const quarter = Math.floor(sorted.length / 4);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
