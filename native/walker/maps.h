/* What /proc/<pid>/maps says about where a heap can be: the brk heap, places for thread arenas, mappings of their own, and
 * libc's data, which leads to them. It leaves looking inside to arenas.c, chunks.c, mmapped.c and libc_data.c. */
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
/* One libc has one data mapping; a static program has its own. More come from libraries when there is no libc to be seen. */
#define DATA_RANGE_MAX 16

struct deadline;

struct range {
    uint64_t start;
    uint64_t end;
};

struct maps {
    const struct deadline *deadline; /* When reading ends at the latest; may be NULL. A process may have millions of mappings. */
    uint64_t vma_count;
    struct range heap; /* All of [heap]; start == end when there is none. */
    size_t arena_range_count;
    size_t anonymous_count;
    bool anonymous_complete;
    uint64_t private_anonymous_bytes; /* Whatever their access rights: no allocator can hold more. */
    bool data_is_libc; /* Otherwise data[] holds the first writable file mappings: the program's own, when it is static. */
    size_t data_count;
    struct range data[DATA_RANGE_MAX];
    struct range arena_ranges[ARENA_RANGE_MAX];     /* Adjacent mappings merged; each holds a 64 MiB boundary. */
    struct range anonymous[ANONYMOUS_RANGE_MAX];    /* Writable private anonymous mappings, one by one. */
};

/* WALK_OK, WALK_GONE, WALK_DENIED, WALK_BUDGET or WALK_TOO_MANY_MAPS; vma_count is valid with the first and the last. */
enum walk_reason maps_read(pid_t pid, struct maps *maps);

/* Where [heap] ends now, or 0. Stops reading behind it, so it is cheap: [heap] comes before all mmapped memory. */
uint64_t maps_heap_end(pid_t pid);

#endif
