// Whether figures that were looked at again and again, at equal distances, grow.
// What is looked at, and how much growth is too much, is left to who asks.

/** Least squares: growth an hour of values that are `lookMs` apart. */
export function slopePerHour(values: readonly number[], lookMs: number): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const covariance = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  const variance = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return (covariance / variance) * (3_600_000 / lookMs);
}

/** Garbage comes and goes; what is left when it went is what grows: the least of the last third above that of the first. */
export function troughGrowth(values: readonly number[]): number {
  const third = Math.ceil(values.length / 3);
  return Math.min(...values.slice(-third)) - Math.min(...values.slice(0, third));
}
