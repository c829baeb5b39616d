// The mapped files of a process with their addresses, so that a return address can be told as a place in a file.
// Symbols are symbols.ts's. Source: man 5 proc_pid_maps.

export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly rights: string;
  readonly inode: string;
  /** As the process sees it; `[vdso]` and such are kept, what has no name is left out. */
  readonly path: string;
  readonly isDeleted: boolean;
}

const LINE = /^([0-9a-f]{1,13})-([0-9a-f]{1,13}) (\S{4}) ([0-9a-f]{1,13}) [0-9a-f]+:[0-9a-f]+ (\d+) +(\S.*?)( \(deleted\))?$/;
/** A program with more files than that keeps us busy on purpose. */
const MAPPINGS_MAX = 20_000;

export function parseMappings(text: string): readonly Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split("\n")) {
    const [, start = "", end = "", rights = "", offset = "", inode = "", path = "", deleted] = LINE.exec(line) ?? [];
    if (path === "" || mappings.length === MAPPINGS_MAX) continue;
    mappings.push({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      offset: Number.parseInt(offset, 16),
      rights,
      inode,
      path: Buffer.from(path, "latin1").toString("utf8"),
      isDeleted: deleted !== undefined,
    });
  }
  return mappings;
}

/** Those with code, in address order, as the kernel lists them. */
export const executable = (mappings: readonly Mapping[]): readonly Mapping[] =>
  mappings.filter(({ rights }) => rights[2] === "x");

/** The mapping that holds the address; null where there is none (any more). */
export function mappingAt(sorted: readonly Mapping[], address: number): Mapping | null {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.end ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  const found = sorted[low];
  return found !== undefined && found.start <= address ? found : null;
}
