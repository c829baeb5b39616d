/* Live chunks that may be a thread's cache, noted while the walk passes them.
 * It leaves looking at them more closely to tcache.c. */
#ifndef TIDEMARK_TCACHE_NOTE_H
#define TIDEMARK_TCACHE_NOTE_H

#include "tcache_layout.h"

/* As many threads as a process has in the worst of cases; beyond, the figure is absent. Takes 64 KiB. */
#define TCACHE_CANDIDATES_MAX 8192

/* What the walk over the chunks comes by. */
struct tcache_candidates {
    size_t count;
    bool too_many;
    bool empty_seen; /* A cache that holds nothing: then "none" is 0, not unknown. */
    uint64_t chunks[TCACHE_CANDIDATES_MAX]; /* Of tcache_candidate; one may be noted twice. */
};

/* Notes a live chunk at `chunk` whose size fits a cache. `memory` is what it holds, or NULL where only a part is at hand. */
void tcache_note(struct tcache_candidates *candidates, uint64_t chunk, const unsigned char *memory, uint64_t chunk_bytes);

/* A chunk's address with its size in the low bits, which are 0 in an address. */
static inline uint64_t tcache_candidate(uint64_t chunk, uint64_t chunk_bytes) {
    return chunk | (chunk_bytes - TCACHE_CHUNK_BYTES_MIN) / 16;
}
static inline uint64_t tcache_candidate_chunk(uint64_t candidate) { return candidate & ~UINT64_C(15); }
static inline uint64_t tcache_candidate_bytes(uint64_t candidate) { return TCACHE_CHUNK_BYTES_MIN + 16 * (candidate & 15); }

#endif
