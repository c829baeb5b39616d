/* The walk over one heap's chunk headers in address order, which accounts for each byte as live, free, top or metadata.
 * It leaves reading to struct memory, and finding and summing the heaps to layout.c and walk.c. */
#ifndef TIDEMARK_CHUNKS_H
#define TIDEMARK_CHUNKS_H

#include "memory.h"
#include "walk.h"

/* One contiguous stretch of chunks: the brk heap, or one mmapped heap of a thread arena. */
struct heap_region {
    uint64_t start;       /* The first byte of the heap, bookkeeping included. */
    uint64_t first_chunk; /* 16-aligned, as malloc's chunks are on 64-bit machines. */
    uint64_t end;
    bool main_arena;
};

struct chunks_outcome {
    enum walk_reason reason;
    bool ends_in_top;      /* Otherwise in fenceposts: the arena went on to a newer heap. */
    uint64_t walked_bytes;
};

/* Adds the region to *totals. Unless outcome.reason is WALK_OK, *totals is left as it was. region->end is brought up to
 * date when the heap grew or shrank. Source of the format: glibc malloc/malloc.c, "Chunk representations"; arena.c. */
struct chunks_outcome chunks_walk(struct memory *memory, struct heap_region *region, struct heap_totals *totals);

#endif
