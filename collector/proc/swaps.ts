// /proc/swaps: the partitions and files that hold swapped memory. man 5 proc_swaps; printed by swap_show() of mm/swapfile.c.
// What kind of disk is under them is watch/disks.ts's.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Swap {
  readonly path: string;
  readonly type: "partition" | "file";
}

export function parseSwaps(text: string, path: string): Result<readonly Swap[], ProcError> {
  const swaps: Swap[] = [];
  for (const line of text.split("\n").filter((line) => line !== "" && !line.startsWith("Filename"))) {
    const [, name, type] = /^(\S+) +\s*(partition|file)\s/.exec(line) ?? [];
    if (name === undefined) return malformed(path, line);
    swaps.push({ path: unescapePath(name), type: type === "file" ? "file" : "partition" });
  }
  return ok(swaps);
}

/** seq_file_path() of fs/seq_file.c writes blanks, line ends and backslashes as three octal digits. */
const unescapePath = (name: string): string => {
  const bytes = name.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return Buffer.from(bytes, "latin1").toString("utf8");
};
