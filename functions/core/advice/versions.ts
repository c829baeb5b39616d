// Versions of allocators and runtimes as they name themselves, compared number by number.
// Which knob exists in which version is said by the catalogue.

/** From `from` on, and before `until`. Null: from the beginning, or to this day. */
export interface VersionRange {
  readonly from: string | null;
  readonly until: string | null;
}

/** The numbers of `gperftools 2.10`, `5.3.0-0-g54ea`, `v20.1.0`, `17.0.15+6-Debian` or `1.8.0_392` (Java 8); null when there are none. */
export function versionNumbers(text: string): readonly number[] | null {
  const [found] = /\d+(?:[._]\d+)*/.exec(text) ?? [];
  if (found === undefined) return null;
  const numbers = found.split(/[._]/).map(Number);
  // Java said 1.8 until it said 9 (JEP 223); no other program here is below 1.9 and still in use.
  return numbers[0] === 1 && numbers[1] !== undefined && numbers[1] <= 8 && text.includes("_") ? numbers.slice(1) : numbers;
}

/** Negative when the first is older. A missing number counts as 0: 2.10 is 2.10.0. */
export function compareVersions(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isInRange(version: readonly number[], { from, until }: VersionRange): boolean {
  return !isBefore(version, from) && (until === null || isBefore(version, until));
}

const isBefore = (version: readonly number[], limit: string | null): boolean =>
  limit !== null && compareVersions(version, versionNumbers(limit) ?? []) < 0;

/** "from 5.2 on", "before 2.1", "2.0 to before 2.1", in words. */
export function rangeText({ from, until }: VersionRange): string {
  if (from !== null && until !== null) return `${from} to before ${until}`;
  if (from !== null) return `${from} and later`;
  return until === null ? "all" : `before ${until}`;
}
