// /proc/pid/maps: how many mappings, which libraries, and which files our own libraries left. man 5 proc_pid_maps.
// Heaps are found in it by native/, which reads it for itself.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

/** A file that a process has mapped shared under the name that our preloaded libraries give theirs. */
export interface MappedRing {
  readonly kind: "ring" | "failures";
  /** As the process sees it, or as we do where it sees less than we (chroot). */
  readonly path: string;
  /** Major and minor number as maps tells them, which need not be what stat tells. */
  readonly device: string;
  /** Decimal digits: an inode number may exceed 2^53. */
  readonly inode: string;
  readonly isDeleted: boolean;
}

export interface Maps {
  readonly vma_count: number;
  /** Paths of mapped files with executable pages, without repeats, in address order. */
  readonly executablePaths: readonly string[];
  readonly rings: readonly MappedRing[];
}

const EXECUTABLE_MAPPING = /^[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ +(\/.*)$/gm;
/** The names are native/abi/tidemark_abi.h's. */
const RING_MAPPING =
  /^[0-9a-f]+-[0-9a-f]+ ...s [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(\/.*\/\d+-[0-9a-f]+\.(ring|failures))( \(deleted\))?$/gm;
/** One of each is usual; whoever maps more means to keep us busy. */
const RINGS_MAX = 4;

export function parseMaps(text: string, path: string): Result<Maps, ProcError> {
  if (text !== "" && !/^[0-9a-f]+-[0-9a-f]+ /.test(text)) return malformed(path, text);
  let lineCount = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineCount++;
  const paths = new Set(Array.from(text.matchAll(EXECUTABLE_MAPPING), (match) => match[1] ?? ""));
  return ok({ vma_count: lineCount, executablePaths: [...paths], rings: ringsOf(text) });
}

/** The first few of `parseMaps`, for those who want nothing else. */
export function ringsOf(text: string): readonly MappedRing[] {
  const rings: MappedRing[] = [];
  for (const [, device = "", inode = "", path = "", kind, deleted] of text.matchAll(RING_MAPPING)) {
    rings.push({
      kind: kind === "ring" ? "ring" : "failures",
      path: Buffer.from(path, "latin1").toString("utf8"),
      device,
      inode,
      isDeleted: deleted !== undefined,
    });
    if (rings.length === RINGS_MAX) break;
  }
  return rings;
}
