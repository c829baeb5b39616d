// One measured figure of a benchmark, beside the figure of the peer it is compared with.
// Measuring and printing are left to the benchmarks and to their runner.

export interface BenchRow {
  readonly name: string;
  /** Null where this machine lacks a program that the figure needs. */
  readonly value: number | null;
  readonly unit: string;
  /** What it is compared with, and that one's figure on the same machine in the same rounds; null without a peer. */
  readonly peer: string | null;
  readonly peer_value: number | null;
  /** How many times as good as the peer, above 1 is better; null without a peer. */
  readonly ratio: number | null;
  /** The ratio (or, without a peer, the value) that we want to hold; null where there is no aim. */
  readonly target: number | null;
}

/** A figure without a peer. */
export const alone = (name: string, unit: string, value: number, target: number | null = null): BenchRow => ({
  name,
  value,
  unit,
  peer: null,
  peer_value: null,
  ratio: null,
  target,
});

/** A figure beside a peer's: less is better. */
export const beside = (
  name: string,
  unit: string,
  value: number,
  { peer, value: peer_value, target = null }: { peer: string; value: number; target?: number | null },
): BenchRow => ({ name, value, unit, peer, peer_value, ratio: value === 0 ? null : peer_value / value, target });

/** A figure that this machine cannot give; why is said on stderr. */
export function lacking(name: string, unit: string, reason: string): BenchRow {
  process.stderr.write(`bench: ${name}: not measured, ${reason}\n`);
  return { name, value: null, unit, peer: null, peer_value: null, ratio: null, target: null };
}

export const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
