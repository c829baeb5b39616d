/* The forms of glibc's tcache_perthread_struct, one of which lies in the heap for every thread that has used malloc.
 * It leaves finding and believing them to tcache.c. */
#ifndef TIDEMARK_TCACHE_LAYOUT_H
#define TIDEMARK_TCACHE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The chunks that hold one, smallest and largest. */
#define TCACHE_CHUNK_BYTES_MIN 0x250
#define TCACHE_CHUNK_BYTES_MAX 0x310
/* The bins that hold chunks of one size each. */
#define TCACHE_SMALL_BIN_COUNT 64

struct tcache_contents {
    uint64_t bytes;
    uint64_t count;
    bool large_bins; /* Chunks of more than one size to a bin, which the struct does not count (2.42, by tunable only). */
    size_t head_count;
    uint64_t heads[TCACHE_SMALL_BIN_COUNT];       /* The first block of each list: its memory, behind the header. */
    uint64_t head_bytes[TCACHE_SMALL_BIN_COUNT];  /* What size its chunk must have. */
};

enum tcache_kind { TCACHE_NOT, TCACHE_EMPTY, TCACHE_FILLED };

/* The chunk of a struct has one of these sizes, each also 16 more where malloc had no smaller piece to give. */
static inline bool tcache_chunk_fits(uint64_t chunk_bytes) {
    /* 0x250 in 2.26 to 2.29, 0x290 in 2.30 to 2.41, 0x300 from 2.42 on. */
    uint64_t step = (chunk_bytes - TCACHE_CHUNK_BYTES_MIN) / 16;
    return step <= 12 && (UINT32_C(0x1833) >> step & 1) != 0;
}

/* What a chunk's memory says if it is such a struct. `torn_max` bins may disagree with themselves, as they do while the
 * thread is at work; they count nothing. `memory` holds chunk_bytes - 8 bytes: all that malloc lets a block have. */
enum tcache_kind tcache_struct_read(const unsigned char *memory, uint64_t chunk_bytes, unsigned torn_max,
                                    struct tcache_contents *contents);

#endif
