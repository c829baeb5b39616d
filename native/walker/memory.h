/* The memory of a heap as the chunk walk sees it: blocks of bytes, and which pages are resident.
 * It leaves where they come from to its implementer: another process (process_memory.c), or a buffer in tests. */
#ifndef TIDEMARK_MEMORY_H
#define TIDEMARK_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "walk.h"

enum access {
    ACCESS_OK = 0,
    ACCESS_ABSENT,  /* No page is there, so what led us here is stale or was never a heap. */
    ACCESS_SWAPPED, /* The page is in swap, or on its way between two places in memory. */
    ACCESS_GONE,
    ACCESS_DENIED,
    ACCESS_BUDGET,
    ACCESS_NO_PAGEMAP
};

struct heap_region;
struct tcache_candidates;

struct memory {
    uint64_t page_bytes;
    uint64_t overlap_bytes_max; /* Chunks up to this size are read twice rather than in two parts; see retry.c. */
    const unsigned char *block; /* What the last load() brought: bytes [block_start, block_start + block_bytes). */
    uint64_t block_start;
    uint64_t block_bytes;
    struct tcache_candidates *tcache; /* Where to note chunks that may be a thread's cache; may be NULL. */
    /* Brings a block that holds `address`, reading nothing at or beyond `limit`. */
    enum access (*load)(struct memory *memory, uint64_t address, uint64_t limit);
    /* Adds the resident bytes of the whole pages in [from, to) to *bytes. */
    enum access (*count_resident)(struct memory *memory, uint64_t from, uint64_t to, uint64_t *bytes);
    /* Where the region ends now: heaps grow and shrink while they are read. */
    uint64_t (*region_end)(struct memory *memory, const struct heap_region *region);
    /* Lets a change in progress settle, longer with each `attempt` from 1. */
    void (*settle)(struct memory *memory, unsigned attempt);
};

static inline uint64_t align_down(uint64_t address, uint64_t alignment) { return address & ~(alignment - 1); }
static inline uint64_t align_up(uint64_t address, uint64_t alignment) { return align_down(address + alignment - 1, alignment); }

static inline uint64_t word_at(const unsigned char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* What it means for the whole walk when an access fails for good. */
static inline enum walk_reason reason_of_access(enum access access) {
    switch (access) {
        case ACCESS_OK: return WALK_OK;
        case ACCESS_ABSENT: return WALK_LAYOUT;
        case ACCESS_SWAPPED: return WALK_SWAPPED;
        case ACCESS_GONE: return WALK_GONE;
        case ACCESS_DENIED: return WALK_DENIED;
        case ACCESS_BUDGET: return WALK_BUDGET;
        case ACCESS_NO_PAGEMAP: return WALK_NO_PAGEMAP;
    }
    return WALK_LAYOUT;
}

/* Forgets the block, so that the next access reads afresh. */
static inline void memory_drop_block(struct memory *memory) { memory->block_bytes = 0; }

#endif
