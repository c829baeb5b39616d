// /proc/pid/maps: how many mappings, and which libraries. man 5 proc_pid_maps.
// Heaps are found in it by native/, which reads it for itself.
import { ok, type Result } from "../../schema/result.ts";
import { malformed, type ProcError } from "./read.ts";

export interface Maps {
  readonly vma_count: number;
  /** Paths of mapped files with executable pages, without repeats, in address order. */
  readonly executablePaths: readonly string[];
}

const EXECUTABLE_MAPPING = /^[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ +(\/.*)$/gm;

export function parseMaps(text: string, path: string): Result<Maps, ProcError> {
  if (text !== "" && !/^[0-9a-f]+-[0-9a-f]+ /.test(text)) return malformed(path, text);
  let lineCount = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineCount++;
  const paths = new Set(Array.from(text.matchAll(EXECUTABLE_MAPPING), (match) => match[1] ?? ""));
  return ok({ vma_count: lineCount, executablePaths: [...paths] });
}
