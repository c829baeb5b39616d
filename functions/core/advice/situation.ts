// What advice is given on: a finding with the figures of one process that it concerns, as detection or inspect have them.
// Figures carry the names of the samples' columns; null and absent are the same, not known.
import { parseTunables, type Settings } from "./tunables.ts";

type FigureName =
  | "rss_bytes"
  | "anon_bytes"
  | "heap_bytes"
  | "heap_resident_bytes"
  | "live_bytes"
  | "free_bytes"
  | "free_resident_bytes"
  | "free_chunk_count"
  | "free_chunk_bytes_max"
  | "reclaimable_bytes"
  | "top_bytes"
  | "arena_count"
  | "arena_count_over_1mib"
  | "non_main_arena_bytes"
  | "non_main_free_bytes"
  | "mmapped_bytes"
  | "mmapped_count"
  | "tcache_bytes"
  | "tcache_chunk_count"
  | "dirty_bytes"
  | "muzzy_bytes"
  | "cache_bytes"
  | "bin_waste_bytes"
  | "thread_count"
  | "vma_count"
  | "vma_count_limit"
  | "runtime_heap_bytes"
  | "runtime_heap_used_bytes"
  | "runtime_heap_used_after_gc_bytes"
  | "runtime_heap_limit_bytes"
  | "cgroup_limit_bytes"
  | "cgroup_current_bytes"
  | "swap_bytes";

export type Figures = { readonly [name in FigureName]?: number | null } & {
  /** Most live bytes since the troughs began: what the heap must be able to hold at once. */
  readonly live_bytes_peak?: number | null;
  readonly pinned_bytes_by_size?: readonly number[] | null;
  /** Of the host: page cache that waits to be written or is being written, and all of its memory. */
  readonly host_dirty_bytes?: number | null;
  readonly host_memory_bytes?: number | null;
};

export interface Fleet {
  /** What the cause holds in all processes concerned. */
  readonly excess_bytes: number;
  readonly host_count: number;
  readonly process_count: number;
}

export interface AdviceInput {
  readonly service: string;
  readonly cause: string;
  readonly allocator: string | null;
  readonly allocator_version: string | null;
  readonly heap_source: string | null;
  readonly runtime: string | null;
  readonly runtime_version: string | null;
  readonly comm: string | null;
  /** `glibc` or `musl`; null where it is not known. */
  readonly libc: string | null;
  /** The text column. */
  readonly tunables: string | null;
  /** At the trough, of the process that holds most. */
  readonly figures: Figures;
  /** Null for a single process. */
  readonly fleet: Fleet | null;
  /** `m7g.large`, `fargate`; null where it is not known. */
  readonly instance_type: string | null;
  /** Where the shim lies on the hosts concerned. */
  readonly shimPath: string;
}

/** Which allocator it is to the catalogue: the column says tcmalloc for two of them. */
export type Allocator = "glibc" | "jemalloc" | "gperftools" | "google-tcmalloc" | "mimalloc" | "unknown";

export interface Situation extends AdviceInput {
  readonly kind: Allocator;
  readonly settings: Settings;
  /** Free memory on resident pages of the heap; null where the heap is not known. */
  readonly heldBytes: number | null;
  /** Of heldBytes, what relief returns now. */
  readonly reclaimableBytes: number | null;
  /** Resident anonymous memory that malloc's heap does not account for. */
  readonly outsideBytes: number | null;
}

export function situationOf(input: AdviceInput): Situation {
  const { figures } = input;
  const heldBytes = heldOf(figures);
  const reclaimable = figures.reclaimable_bytes ?? null;
  return {
    ...input,
    kind: allocatorKind(input),
    settings: parseTunables(input.tunables),
    heldBytes,
    reclaimableBytes: heldBytes === null || reclaimable === null ? null : Math.min(reclaimable, heldBytes),
    outsideBytes: outsideOf(figures, heldBytes),
  };
}

/** Version of a knob's owner in this process, as far as it is known. */
export function versionOf(situation: Situation, owner: string): string | null {
  if (owner === situation.kind) return situation.allocator_version;
  return owner === situation.runtime ? situation.runtime_version : null;
}

/** Where pages were not counted: free memory after a trim is not resident, so what is anonymous bounds it. */
function heldOf({ free_resident_bytes, free_bytes, anon_bytes, live_bytes }: Figures): number | null {
  if (free_resident_bytes != null) return free_resident_bytes;
  if (free_bytes == null) return null;
  return anon_bytes == null || live_bytes == null ? free_bytes : Math.max(0, Math.min(free_bytes, anon_bytes - live_bytes));
}

function outsideOf({ anon_bytes, live_bytes }: Figures, heldBytes: number | null): number | null {
  return anon_bytes == null || live_bytes == null || heldBytes === null
    ? null
    : Math.max(0, anon_bytes - live_bytes - heldBytes);
}

function allocatorKind({ allocator, allocator_version, heap_source }: AdviceInput): Allocator {
  switch (allocator) {
    case "glibc":
    case "jemalloc":
    case "mimalloc":
      return allocator;
    case "tcmalloc":
      // Asked by the shim, gperftools says its name and version and google/tcmalloc nothing; a library of that name is gperftools'.
      return heap_source === "shim" && allocator_version === null ? "google-tcmalloc" : "gperftools";
    default:
      return "unknown";
  }
}
