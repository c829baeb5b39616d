// The name that was probably meant by one that does not exist.
// What is said about it is the caller's.

/** So many letters wrong, missing or too many are a slip of the fingers; more of them are another word. */
const SLIPS_MAX = 2;
/** Longer names than any of ours are not compared: the comparison takes the product of both lengths. */
const NAME_LENGTH_MAX = 80;

/** Null when none is near. */
export function nearestName<N extends string>(name: string, names: readonly N[]): N | null {
  if (name.length > NAME_LENGTH_MAX) return null;
  let best: { readonly name: N; readonly slips: number } | null = null;
  for (const candidate of names) {
    const slips = editDistance(name.toUpperCase(), candidate.toUpperCase());
    if (slips <= SLIPS_MAX && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { name: candidate, slips };
  }
  return best?.name ?? null;
}

/** Levenshtein's: letters to insert, delete or replace, row by row of the table. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, against] of [...other].entries()) {
      const replaced = (row[j] ?? 0) + (letter === against ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
