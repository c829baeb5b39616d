// /proc/buddyinfo: free blocks of each size in each zone. man 5 proc_buddyinfo; printed by frag_show_print() of mm/vmstat.c.
// What they say about fragmentation is fragmentation-index.ts's; how large a zone is tells zoneinfo.ts.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Zone {
  /** `0 Normal`: its node and its name, as zoneinfo calls it too. */
  readonly name: string;
  /** Index = order: blocks of 2^order pages. */
  readonly freeBlocks: readonly number[];
}

export function parseBuddyinfo(text: string, path: string): Result<readonly Zone[], ProcError> {
  const zones: Zone[] = [];
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [, node, zone, blocks] = /^Node (\d+), zone +(\w+)((?: +\d+)+) *$/.exec(line) ?? [];
    if (blocks === undefined) return malformed(path, line);
    zones.push({ name: `${node} ${zone}`, freeBlocks: blocks.trim().split(/ +/).map(Number) });
  }
  return zones.length === 0 ? malformed(path, text) : ok(zones);
}

/** Of all zones together; index = order. */
export const freeBlocksOf = (zones: readonly Zone[]): number[] =>
  zones.reduce<number[]>((sums, { freeBlocks }) => freeBlocks.map((blocks, order) => blocks + (sums[order] ?? 0)), []);
