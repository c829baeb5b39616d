/* The first look at a chunk that may be a thread's cache: most are blocks of the program and go no further.
 * It leaves their form to tcache_layout.c. */
#include "tcache_note.h"

/* The walk goes on while the threads work, so more may disagree than in the careful look later. */
#define TORN_BINS_MAX 3

void tcache_note(struct tcache_candidates *candidates, uint64_t chunk, const unsigned char *memory, uint64_t chunk_bytes) {
    struct tcache_contents contents;
    if (memory != NULL) {
        enum tcache_kind kind = tcache_struct_read(memory, chunk_bytes, TORN_BINS_MAX, &contents);
        if (kind == TCACHE_EMPTY) candidates->empty_seen = true;
        if (kind != TCACHE_FILLED) return;
    }
    if (candidates->count == TCACHE_CANDIDATES_MAX) candidates->too_many = true;
    if (candidates->count < TCACHE_CANDIDATES_MAX) candidates->chunks[candidates->count++] = tcache_candidate(chunk, chunk_bytes);
}

