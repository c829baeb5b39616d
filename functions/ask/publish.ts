// Puts the files that an engine has unloaded in their place in the lake.
// What they hold, and what they are called there, is the caller's.
import type { ObjectStore } from "../edges.ts";

export interface Publication {
  readonly lake: ObjectStore;
  /** Prefix under which the engine has left its files. */
  readonly staging: string;
  /** Key of a part in the lake. */
  readonly keyOf: (part: number) => string;
  /** Keys that the new files stand for; they go when the new ones are there. */
  readonly replaced: readonly string[];
}

/**
 * Returns the published keys. Readers may see old and new rows beside each other for a moment; the base views keep one of
 * each. Whatever fails on the way leaves every row in the lake, and the next run tidies up.
 */
export async function publish({ lake, staging, keyOf, replaced }: Publication): Promise<readonly string[]> {
  const staged = await Array.fromAsync(lake.list(staging));
  const published = staged.map((_, part) => keyOf(part));
  for (const [part, key] of published.entries()) await lake.copy(staged[part] ?? "", key);
  for (const key of replaced) if (!published.includes(key)) await lake.delete(key);
  for (const key of staged) await lake.delete(key);
  return published;
}
