// One measured figure of a benchmark, beside the figure of the peer it is compared with.
// Measuring and printing are left to the benchmarks and to their runner.

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, and that one's figure on the same machine in the same rounds; null without a peer. */
  readonly peer: string | null;
  readonly peer_value: number | null;
  /** How many times as good as the peer, above 1 is better; null without a peer. */
  readonly ratio: number | null;
  /** The ratio (or, without a peer, the value) that we want to hold; null where there is no aim. */
  readonly target: number | null;
}
