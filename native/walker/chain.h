/* What chunks.c and retry.c share: the state of a walk over one heap, small enough to be copied as a checkpoint.
 * It leaves the meaning of the chunk format to chunks.c and what to do after a failure to retry.c. */
#ifndef TIDEMARK_CHAIN_H
#define TIDEMARK_CHAIN_H

#include "chunks.h"
#include "pages.h"

#define CHUNK_PREV_INUSE UINT64_C(1)
#define CHUNK_FLAG_BITS UINT64_C(7)

struct chain {
    uint64_t position;       /* The next header to read. */
    uint64_t previous_bytes; /* The chunk just before it, if not booked yet: only the next header says whether it is free. */
    bool tolerant;           /* Takes a free chunk whose two sizes do not agree; see settle_previous. */
    uint64_t torn_count;     /* How many of those were taken. */
    struct open_page page;
    struct heap_totals totals;
};

enum chain_event_kind {
    CHAIN_GOES_ON,
    CHAIN_ENDS_IN_TOP,
    CHAIN_ENDS_IN_FENCE,
    CHAIN_INVALID, /* The header cannot be right: a torn read, or not a glibc heap. */
    CHAIN_BLOCKED  /* Memory or residency could not be had; access says why. */
};

struct chain_event {
    enum chain_event_kind kind;
    enum access access;
    uint64_t size_word; /* Of the invalid header. */
};

/* Whether a chunk with this size word can be at `position`. */
bool chunk_is_valid(const struct heap_region *region, uint64_t position, uint64_t size_word);

/* Puts the chain before the first chunk and books what precedes it. */
enum access chain_begin(struct chain *chain, struct memory *memory, const struct heap_region *region,
                        const struct heap_totals *totals);

/* Takes headers until they leave the block that is loaded. */
struct chain_event chain_run_block(struct chain *chain, struct memory *memory, struct heap_region *region);

#endif
