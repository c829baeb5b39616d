/* What /proc/<pid>/maps says about where a heap can be: the brk heap, places for thread arenas, mappings of their own.
 * It leaves looking inside them to arenas.c, chunks.c and mmapped.c. */
#ifndef TIDEMARK_MAPS_H
#define TIDEMARK_MAPS_H

#include <stddef.h>

#include "walk.h"

/* HEAP_MAX_SIZE of glibc's arena.c on 64-bit machines: size and alignment of a thread arena's heap. */
#define ARENA_HEAP_BYTES_MAX (UINT64_C(64) << 20)
/* 1 TiB of thread arenas, or as much of other writable memory; the table takes 256 KiB. */
#define ARENA_RANGE_MAX 16384
/* The kernel allows 65530 mappings unless told otherwise; beyond this only mmapped_* is left out. */
#define ANONYMOUS_RANGE_MAX 65536

struct range {
    uint64_t start;
    uint64_t end;
};

struct maps {
    uint64_t vma_count;
    struct range heap; /* All of [heap]; start == end when there is none. */
    size_t arena_range_count;
    size_t anonymous_count;
    bool anonymous_complete;
    struct range arena_ranges[ARENA_RANGE_MAX];     /* Adjacent mappings merged; each holds a 64 MiB boundary. */
    struct range anonymous[ANONYMOUS_RANGE_MAX];    /* Writable private anonymous mappings, one by one. */
};

/* WALK_OK, WALK_GONE, WALK_DENIED or WALK_TOO_MANY_MAPS; vma_count is valid with the first and the last. */
enum walk_reason maps_read(pid_t pid, struct maps *maps);

/* Where [heap] ends now, or 0. Stops reading behind it, so it is cheap: [heap] comes before all mmapped memory. */
uint64_t maps_heap_end(pid_t pid);

#endif
