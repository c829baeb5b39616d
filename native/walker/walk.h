/* The result of measuring one process's glibc heap from outside, and the reasons why there may be none.
 * It leaves how the heap is read to walk.c and how the result is written to print.c. */
#ifndef TIDEMARK_WALK_H
#define TIDEMARK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bin i holds chunks of 2^(i+4) to 2^(i+5)-1 bytes; 32 bins reach 64 GiB, and what is larger falls into the last. */
#define SIZE_BIN_COUNT 32

enum walk_reason {
    WALK_OK = 0,
    WALK_GONE,         /* The process ended, became a zombie, or was replaced by another one or by exec meanwhile. */
    WALK_DENIED,       /* The kernel does not let us read it: another user's process and no CAP_SYS_PTRACE. */
    WALK_NO_HEAP,      /* It has neither a brk heap nor a thread arena: glibc's malloc does not serve it. */
    WALK_LAYOUT,       /* The heap does not look like glibc's, or has a form we cannot account for to the last byte. */
    WALK_SWAPPED,      /* A needed page is in swap, and reading it would bring it back into memory. */
    WALK_CHANGED,      /* The heap changed faster than we could read it, in spite of every retry. */
    WALK_BUDGET,       /* The CPU time or the wall time allowed for this walk was used up. */
    WALK_NO_PAGEMAP,   /* /proc/<pid>/pagemap cannot be read, so we cannot tell which pages are safe to touch. */
    WALK_TOO_MANY_MAPS /* More mappings, heaps or arenas than our fixed tables hold. */
};

/* Sums over the heaps that were walked. Every field is address space but resident_bytes, free_resident_bytes and
 * reclaimable_bytes. */
struct heap_totals {
    uint64_t live_bytes;
    uint64_t free_bytes; /* Tops not included; print.c adds them, as the column's meaning asks. */
    uint64_t free_resident_bytes; /* Of free_bytes and top_bytes, on resident pages. */
    uint64_t free_chunk_count;
    uint64_t free_chunk_bytes_max;
    uint64_t top_bytes;
    uint64_t metadata_bytes; /* heap_info, malloc_state, fenceposts and padding. */
    uint64_t whole_free_page_bytes;
    uint64_t reclaimable_bytes;
    uint64_t resident_bytes;
    uint64_t free_bytes_by_size[SIZE_BIN_COUNT];
    uint64_t pinned_bytes_by_size[SIZE_BIN_COUNT];
};

/* Chunks that are free to the program and live to the heap, where live_bytes counts them. */
struct parked {
    bool known;
    uint64_t bytes;
    uint64_t count;
};

/* What one arena holds. The sums over all arenas are the figures of the process. */
struct arena_figures {
    uint64_t heap_bytes;
    uint64_t heap_count;
    struct heap_totals totals;
};

struct walk_result {
    pid_t pid;
    enum walk_reason reason;
    bool vma_count_known;
    bool mmapped_known;
    uint64_t vma_count;
    uint64_t walk_cpu_us;
    uint64_t walk_us;
    uint64_t walked_bytes; /* Heap bytes that were walked: heap_bytes with WALK_OK, otherwise how far the walk came. */
    uint64_t heap_bytes_expected; /* What there was to walk when the maps were read; 0 when that is not known. */
    /* What follows means something only with WALK_OK; the mmapped pair only with mmapped_known as well. */
    uint64_t heap_bytes;
    uint64_t mmapped_bytes;
    uint64_t mmapped_count;
    uint64_t arena_count;
    uint64_t arena_count_over_1mib;
    uint64_t arena_bytes_max;
    uint64_t non_main_arena_bytes;
    uint64_t non_main_free_bytes;
    struct parked tcache;
    struct parked fastbins;
    struct heap_totals totals;
    /* Number 0 is the main arena, with heap_bytes 0 where it is not in use; the others follow in order of their birth.
     * They stay as they are until the next walk. */
    size_t arena_figures_count;
    const struct arena_figures *arena_figures;
};

/* On a loaded host a walk can wait for the CPU far longer than it computes, and whoever asked waits as well. */
struct walk_limits {
    uint64_t cpu_us;
    uint64_t wall_ms;
};

/* Measures the heap of `pid` within about these limits. Never fails: see result->reason. */
void walk_process(pid_t pid, struct walk_limits limits, struct walk_result *result);

/* The word that stands for a reason in the output, for example "no_heap". */
const char *walk_reason_word(enum walk_reason reason);

#endif
