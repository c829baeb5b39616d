// One answer of the native walker: a line of key=value words whose keys are column names (native/ prints it).
// Asking for it, and restarting a walker that died, is walker.ts's.
import { err, ok, type Result } from "../../schema/result.ts";

const numberFields = [
  "heap_bytes",
  "heap_resident_bytes",
  "live_bytes",
  "free_bytes",
  "free_resident_bytes",
  "tcache_bytes",
  "tcache_chunk_count",
  "fastbin_bytes",
  "fastbin_chunk_count",
  "free_chunk_count",
  "free_chunk_bytes_max",
  "top_bytes",
  "metadata_bytes",
  "whole_free_page_bytes",
  "reclaimable_bytes",
  "mmapped_bytes",
  "mmapped_count",
  "arena_count",
  "arena_count_over_1mib",
  "arena_bytes_max",
  "non_main_arena_bytes",
  "non_main_free_bytes",
] as const;
const listFields = ["free_bytes_by_size", "pinned_bytes_by_size"] as const;

/** Heap columns of a process row; null where the walker left a field out. */
export type HeapFigures = { readonly [N in (typeof numberFields)[number]]: number | null } & {
  readonly [N in (typeof listFields)[number]]: readonly number[] | null;
};

interface Cost {
  readonly pid: number;
  readonly walk_cpu_us: number;
  /** Mappings of the process, when its maps could be read. */
  readonly vma_count: number | null;
}

export type Walk = Cost &
  (
    | { readonly kind: "figures"; readonly allocator: string; readonly figures: HeapFigures }
    | { readonly kind: "unknown"; readonly reason: string }
  );

/** A walk from its line, or what is wrong with the line. */
export function parseWalkLine(line: string): Result<Walk, string> {
  const words = new Map<string, string>();
  for (const word of line.trim().split(" ")) {
    const equals = word.indexOf("=");
    if (equals <= 0) return err(`word without "=": ${word.slice(0, 40)}`);
    words.set(word.slice(0, equals), word.slice(equals + 1));
  }
  const number = (name: string): number | null => (/^\d+$/.test(words.get(name) ?? "") ? Number(words.get(name)) : null);
  const pid = number("pid");
  if (pid === null) return err("no pid");
  const cost = { pid, walk_cpu_us: number("walk_cpu_us") ?? 0, vma_count: number("vma_count") };

  const status = words.get("status");
  if (status === "unknown") return ok({ kind: "unknown", reason: words.get("reason") ?? "unspecified", ...cost });
  if (status !== "ok") return err(`status is ${status ?? "missing"}`);
  const figures = Object.fromEntries([
    ...numberFields.map((name) => [name, number(name)]),
    ...listFields.map((name) => [name, parseList(words.get(name))]),
  ]) as HeapFigures;
  return ok({ kind: "figures", allocator: words.get("allocator") ?? "unknown", figures, ...cost });
}

/** `0,12,4096` as numbers; `-` is the empty list; anything else is not known. */
function parseList(text: string | undefined): readonly number[] | null {
  if (text === "-") return [];
  return text !== undefined && /^\d+(,\d+)*$/.test(text) ? text.split(",").map(Number) : null;
}
