/* Tells the caches of threads from a program's own blocks of the same size, and adds up what they hold.
 * It leaves their form to tcache_layout.c. */
#include "tcache.h"

#include <stdlib.h>

/* While it is copied, its thread may be between the list and the count of one bin. */
#define TORN_BINS_MAX 1
#define TRIES_MAX 4

/* The block in front of each list is the memory of a chunk, whose header says which bin it belongs to. */
static enum access heads_are_real(struct process_memory *process, const struct tcache_contents *contents, bool *real) {
    uint64_t addresses[TCACHE_SMALL_BIN_COUNT];
    uint64_t words[TCACHE_SMALL_BIN_COUNT];
    enum access pieces[TCACHE_SMALL_BIN_COUNT];
    for (size_t i = 0; i < contents->head_count; i++) addresses[i] = contents->heads[i] - 8;
    enum access access =
        process_memory_peek(process, addresses, contents->head_count, sizeof words[0], (unsigned char *)words, pieces);
    *real = access == ACCESS_OK;
    for (size_t i = 0; i < contents->head_count && *real; i++) {
        *real = pieces[i] == ACCESS_OK && (words[i] & ~UINT64_C(7)) == contents->head_bytes[i];
    }
    explicit_bzero(words, sizeof words);
    return access;
}

/* A cache of a living thread changes all the time, so it is read anew when it does not look right. */
static enum access add_candidate(struct process_memory *process, uint64_t candidate, bool *found, struct parked *parked) {
    unsigned char memory[TCACHE_CHUNK_BYTES_MAX];
    uint64_t chunk_bytes = tcache_candidate_bytes(candidate);
    enum access access = ACCESS_OK;
    *found = false;
    for (unsigned tries = 0; tries < TRIES_MAX && !*found && access == ACCESS_OK; tries++) {
        struct tcache_contents contents;
        enum tcache_kind kind = TCACHE_NOT;
        access = process_memory_copy(process, tcache_candidate_chunk(candidate) + 16, memory, chunk_bytes - 8);
        if (access == ACCESS_OK) kind = tcache_struct_read(memory, chunk_bytes, TORN_BINS_MAX, &contents);
        if (kind == TCACHE_EMPTY) *found = true;
        if (kind == TCACHE_FILLED) access = heads_are_real(process, &contents, found);
        if (kind != TCACHE_FILLED || !*found) continue;
        parked->bytes += contents.bytes;
        parked->count += contents.count;
        parked->known = !contents.large_bins;
    }
    explicit_bzero(memory, sizeof memory);
    return access == ACCESS_ABSENT || access == ACCESS_SWAPPED ? ACCESS_OK : access;
}

static int compare_candidates(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

struct parked tcache_count(struct process_memory *process, struct tcache_candidates *candidates) {
    struct parked parked = {.known = !candidates->too_many};
    bool any = candidates->empty_seen;
    qsort(candidates->chunks, candidates->count, sizeof candidates->chunks[0], compare_candidates);
    for (size_t i = 0; i < candidates->count && parked.known; i++) {
        bool found;
        if (i > 0 && candidates->chunks[i] == candidates->chunks[i - 1]) continue;
        if (add_candidate(process, candidates->chunks[i], &found, &parked) != ACCESS_OK) parked.known = false;
        any |= found;
    }
    parked.known &= any;
    return parked;
}
