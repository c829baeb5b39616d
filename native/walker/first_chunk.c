/* Looks for the first chunk header of the brk heap.
 * It leaves proof to the walk: a wrong start does not lead to the heap's end. */
#include "first_chunk.h"

#include "chain.h"

/* A static program's TLS block takes some 3 KiB, plus its thread-local variables. */
#define SEARCH_BYTES_MAX 16384

/* Reads the size word of the header at `address`; 0, which no chunk has, when there is none to read. */
static enum access size_word_at(struct memory *memory, const struct heap_region *region, uint64_t address, uint64_t *word) {
    *word = 0;
    if (address >= region->end) return ACCESS_OK;
    if (address < memory->block_start || address - memory->block_start >= memory->block_bytes) {
        enum access access = memory->load(memory, address, region->end);
        if (access == ACCESS_ABSENT) return ACCESS_OK;
        if (access != ACCESS_OK) return access;
    }
    *word = word_at(memory->block + (address - memory->block_start) + 8);
    return ACCESS_OK;
}

/* The lowest header that leads to another one is taken and no later one, because skipping a real chunk that is just
 * being changed would lose bytes without a sign. */
enum access first_chunk_find(struct memory *memory, struct heap_region *region) {
    memory_drop_block(memory);
    for (uint64_t at = region->first_chunk; at < region->end && at - region->first_chunk < SEARCH_BYTES_MAX; at += 16) {
        uint64_t word, next_word;
        enum access access = size_word_at(memory, region, at, &word);
        if (access != ACCESS_OK) return access;
        if ((word & CHUNK_FLAG_BITS) != CHUNK_PREV_INUSE || !chunk_is_valid(region, at, word)) continue;
        uint64_t next = at + (word & ~CHUNK_FLAG_BITS);
        access = size_word_at(memory, region, next, &next_word);
        if (access != ACCESS_OK) return access;
        if (next != region->end && !chunk_is_valid(region, next, next_word)) continue;
        if (at != region->first_chunk) region->start = at;
        region->first_chunk = at;
        break;
    }
    return ACCESS_OK;
}
