// Makes the input of advise() from what there is: a measured row of a process (inspect), or a finding and the row of its process.
import type { Finding } from "../../../schema/columns.ts";
import type { AdviceInput, Figures, Fleet } from "./situation.ts";

/** Where docs/deploy.md puts the shim. */
export const SHIM_PATH = "/usr/lib/tidemark/libtidemark.so";

/** Values by the names of the samples' columns; what is absent or of another kind is not known. */
export type ProcessValues = Readonly<Record<string, unknown>>;

const figureNames = [
  "rss_bytes",
  "anon_bytes",
  "heap_bytes",
  "heap_resident_bytes",
  "live_bytes",
  "live_bytes_peak",
  "free_bytes",
  "free_resident_bytes",
  "free_chunk_count",
  "free_chunk_bytes_max",
  "reclaimable_bytes",
  "top_bytes",
  "arena_count",
  "arena_count_over_1mib",
  "non_main_arena_bytes",
  "non_main_free_bytes",
  "mmapped_bytes",
  "mmapped_count",
  "tcache_bytes",
  "tcache_chunk_count",
  "dirty_bytes",
  "muzzy_bytes",
  "cache_bytes",
  "bin_waste_bytes",
  "thread_count",
  "vma_count",
  "vma_count_limit",
  "runtime_heap_bytes",
  "runtime_heap_used_bytes",
  "runtime_heap_used_after_gc_bytes",
  "runtime_heap_limit_bytes",
  "cgroup_limit_bytes",
  "cgroup_current_bytes",
  "swap_bytes",
] as const satisfies readonly (keyof Figures)[];

export interface Concern {
  readonly cause: string;
  readonly fleet: Fleet | null;
  readonly shimPath: string;
}

export function inputOf(values: ProcessValues, { cause, fleet, shimPath }: Concern): AdviceInput {
  const text = (name: string): string | null => (typeof values[name] === "string" ? (values[name] as string) : null);
  const figures = Object.fromEntries(
    figureNames.flatMap((name) => (typeof values[name] === "number" ? [[name, values[name]]] : [])),
  );
  const pins = values["pinned_bytes_by_size"];
  return {
    service: text("service") ?? "",
    cause,
    allocator: text("allocator"),
    allocator_version: text("allocator_version"),
    heap_source: text("heap_source"),
    runtime: text("runtime"),
    runtime_version: text("runtime_version"),
    comm: text("comm"),
    libc: null,
    tunables: text("tunables"),
    figures: {
      ...figures,
      pinned_bytes_by_size: Array.isArray(pins) ? pins.filter((bytes) => typeof bytes === "number") : null,
    },
    fleet,
    instance_type: text("instance_type"),
    shimPath,
  };
}

/** Of rows of processes that of the service which holds most; null where none of its processes is among them. */
export function worstOf<T extends ProcessValues>(service: string, rows: readonly T[]): T | null {
  const held = (row: T) => (typeof row["free_resident_bytes"] === "number" ? row["free_resident_bytes"] : 0);
  let worst: T | null = null;
  for (const row of rows) if (row["service"] === service && (worst === null || held(row) > held(worst))) worst = row;
  return worst;
}

/** `values` is a row of the process that is worst off; null where there is none, and then only the cause speaks. */
export function inputOfFinding(finding: Finding, values: ProcessValues | null): AdviceInput {
  const { cause, excess_bytes, host_count, process_count } = finding;
  const fleet = excess_bytes == null ? null : { excess_bytes, host_count, process_count };
  return inputOf({ ...values, service: finding.service }, { cause, fleet, shimPath: SHIM_PATH });
}
