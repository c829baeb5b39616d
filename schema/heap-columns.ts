// The columns of a process row that speak of its heap, and what each of them means under each allocator.
// Who the process is, and what the kernel says of its memory, is in process-columns.ts.
import type { Columns } from "./column.ts";

const what = {
  allocator: {
    type: "string",
    unit: null,
    meaning:
      "Which allocator serves malloc: glibc, jemalloc, tcmalloc, mimalloc or unknown. What the shim or the walk saw counts; the name of a mapped library only where neither could tell.",
  },
  allocator_version: { type: "string", unit: null, meaning: "Version of that allocator, as it or its library says." },
  heap_source: {
    type: "string",
    unit: null,
    meaning:
      "How the heap was measured: walk (from outside) or shim (by the allocator's own statistics, at most three of its intervals old).",
  },
  heap_unknown_reason: {
    type: "string",
    unit: null,
    meaning:
      "Why the heap columns are NULL although a measurement was due: denied, layout, swapped, changed, budget, no_shim, stale_ring...",
  },
} as const satisfies Columns;

/** Figures that every allocator has in some form. */
const figures = {
  heap_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "What the allocator holds from the kernel. glibc: address space of the arenas, without mmapped chunks. By the shim: without what it gave back, large allocations included (jemalloc stats.resident, tcmalloc heap size less unmapped, mimalloc committed).",
  },
  heap_resident_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Of heap_bytes, resident in memory. glibc: by pagemap. jemalloc: stats.resident, an upper bound. NULL where the allocator does not count it.",
  },
  live_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Bytes that the program holds. glibc: chunks with their headers, mmapped chunks included; chunks parked in tcache or a fastbin count as live. By the shim: allocated, rounded to size classes, in jemalloc with its tcaches. mimalloc does not tell.",
  },
  free_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Bytes that the allocator holds free. glibc: in free chunks, the tops of all arenas included. By the shim: heap_bytes less live_bytes, in which jemalloc's bookkeeping is included.",
  },
  free_resident_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Of free_bytes, on resident pages: memory that the process holds although nobody uses it. By the shim: free_bytes without bookkeeping, an upper bound, because a page that was never touched counts too.",
  },
  free_chunk_count: { type: "int64", unit: "count", meaning: "Free chunks, tops not counted. glibc only." },
  free_chunk_bytes_max: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Largest free chunk. glibc: tops not counted. jemalloc: mean size of the largest class of free extents, a lower bound (5.2 and later).",
  },
  reclaimable_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "What relief would give back now. glibc: of whole_free_page_bytes, resident; a lower bound where many chunks lie in fastbins (fastbin_bytes), which a trim joins first. jemalloc: dirty and muzzy pages. tcmalloc: free pages of the page heap that are still backed.",
  },
  arena_count: { type: "int64", unit: "count", meaning: "Arenas in use. glibc: with a heap, the main arena included." },
  metadata_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "The allocator's own bookkeeping. glibc: arena headers, fenceposts, padding within heap_bytes, so that heap_bytes = live_bytes - mmapped_bytes + free_bytes + metadata_bytes. jemalloc: within heap_bytes. tcmalloc: beside it.",
  },
  free_bytes_by_size: {
    type: "int64[]",
    unit: "bytes",
    meaning:
      "Free bytes by size: entry i counts chunks (jemalloc: extents) of 2^(i+4) to 2^(i+5)-1 bytes; trailing zeros are left out.",
  },
  pinned_bytes_by_size: {
    type: "int64[]",
    unit: "bytes",
    meaning:
      "Who pins free memory, bins as in free_bytes_by_size. glibc: free bytes on resident pages at least half free but not whole, by the live chunks there. By the shim: free slots of each size class.",
  },
} as const satisfies Columns;

/** What only a walk through glibc's chunks tells. */
const byWalk = {
  tcache_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of live_bytes, chunks that the program has freed and a thread's tcache keeps. glibc only.",
  },
  tcache_chunk_count: { type: "int64", unit: "count", meaning: "Chunks parked in the tcaches of all threads. glibc only." },
  fastbin_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of live_bytes, chunks that the program has freed and a fastbin keeps. glibc only.",
  },
  fastbin_chunk_count: { type: "int64", unit: "count", meaning: "Chunks parked in the fastbins of all arenas. glibc only." },
  top_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Top chunks of all arenas: the end from which a heap grows. glibc only.",
  },
  whole_free_page_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Whole pages inside free chunks, and those of the main top: what malloc_trim(0) would hand to the kernel, resident or not. glibc only.",
  },
  mmapped_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Chunks with a mapping of their own: bytes, as glibc counts them; where that cannot be read, a lower bound from the maps. glibc only.",
  },
  mmapped_count: {
    type: "int64",
    unit: "count",
    meaning: "Chunks with a mapping of their own: how many, counted as mmapped_bytes is. glibc only.",
  },
  arena_count_over_1mib: { type: "int64", unit: "count", meaning: "Arenas that hold more than 1 MiB. glibc only." },
  arena_bytes_max: { type: "int64", unit: "bytes", meaning: "Of heap_bytes, held by the largest arena. glibc only." },
  non_main_arena_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of heap_bytes, held by arenas other than the main one. glibc only.",
  },
  non_main_free_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Of free_bytes, free in arenas other than the main one. glibc only.",
  },
  walk_cpu_us: {
    type: "int64",
    unit: "us",
    meaning:
      "CPU time that walking this heap from outside cost us; an upper bound when the reason is walker_failed. The shim's is probe_cpu_us.",
  },
} as const satisfies Columns;

/** What only an allocator itself tells, through the shim. */
const byShim = {
  active_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Pages in use for live memory. jemalloc: stats.active. NULL where the allocator has no such figure.",
  },
  dirty_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Unused pages that are still backed by memory. jemalloc: dirty pages; tcmalloc: free pages of the page heap that were not given back.",
  },
  muzzy_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Unused pages that the kernel may take when it needs them (MADV_FREE). jemalloc only.",
  },
  retained_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Address space that the allocator keeps after it gave back the memory: not resident. jemalloc: stats.retained; tcmalloc: unmapped pages of the page heap.",
  },
  cache_bytes: {
    type: "int64",
    unit: "bytes",
    meaning:
      "Freed memory in caches. jemalloc: in tcaches, part of live_bytes. tcmalloc: of threads, of processors and between them, part of free_bytes.",
  },
  bin_waste_bytes: {
    type: "int64",
    unit: "bytes",
    meaning: "Free slots on pages that live objects of the same size class keep in use. jemalloc: of all small size classes.",
  },
  probe_cpu_us: {
    type: "int64",
    unit: "us",
    meaning: "CPU time that the shim spent inside the process to take the row's figures. A walk's is walk_cpu_us.",
  },
  alloc_failure_count: {
    type: "int64",
    unit: "count",
    meaning:
      "Allocations that failed since the process started, in it and in the processes it forked. NULL in a forked process, and where the library that counts them (libtidemark-failures.so) is not loaded.",
  },
  tunables: {
    type: "string",
    unit: null,
    meaning:
      "Allocator settings in the environment: GLIBC_TUNABLES, MALLOC_*, MALLOC_CONF and their like. Where the shim knows which are in effect, those come first and the environment's after `environment:`.",
  },
} as const satisfies Columns;

/** In the order of docs/metrics.md and of every table made from it. */
export const heapColumns = { ...what, ...figures, ...byWalk, ...byShim } as const satisfies Columns;
