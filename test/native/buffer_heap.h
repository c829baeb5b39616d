/* A heap in a buffer behind the walker's memory interface, so that it can be built, damaged and walked without a process.
 * It leaves what to build and what to expect to the unit programs. */
#ifndef TIDEMARK_TEST_BUFFER_HEAP_H
#define TIDEMARK_TEST_BUFFER_HEAP_H

#include <stdlib.h>

#include "../../native/walker/chunks.h"

#define HEAP_AT UINT64_C(0x555500000000)
#define HEAP_BYTES_MAX (1u << 20)
#define PAGES_MAX (HEAP_BYTES_MAX / 4096)

struct buffer_memory {
    struct memory memory; /* First, so that a struct memory * can be turned back. */
    unsigned char bytes[HEAP_BYTES_MAX];
    unsigned char resident[PAGES_MAX];
    unsigned char *block; /* A copy of exactly the block's size: the address sanitizer sees the first byte too many. */
    unsigned loads;
};

static enum access buffer_load(struct memory *memory, uint64_t address, uint64_t limit) {
    struct buffer_memory *buffer = (struct buffer_memory *)memory;
    uint64_t page = align_down(address, memory->page_bytes);
    uint64_t bytes = 0;
    free(buffer->block);
    buffer->block = NULL;
    memory_drop_block(memory);
    if (++buffer->loads > 100000) return ACCESS_BUDGET;
    while (bytes < 4 * memory->page_bytes && page + bytes < limit && buffer->resident[(page + bytes - HEAP_AT) / memory->page_bytes]) {
        bytes += memory->page_bytes;
    }
    if (bytes == 0) return ACCESS_ABSENT;
    buffer->block = malloc(bytes);
    memcpy(buffer->block, buffer->bytes + (page - HEAP_AT), bytes);
    memory->block = buffer->block;
    memory->block_start = page;
    memory->block_bytes = bytes;
    return ACCESS_OK;
}

static enum access buffer_count_resident(struct memory *memory, uint64_t from, uint64_t to, uint64_t *bytes) {
    struct buffer_memory *buffer = (struct buffer_memory *)memory;
    for (; from < to; from += memory->page_bytes) {
        if (buffer->resident[(from - HEAP_AT) / memory->page_bytes]) *bytes += memory->page_bytes;
    }
    return ACCESS_OK;
}

static uint64_t buffer_region_end(struct memory *memory, const struct heap_region *region) {
    (void)memory;
    return region->end;
}

static void buffer_settle(struct memory *memory, unsigned attempt) { (void)memory, (void)attempt; }

static inline void buffer_init(struct buffer_memory *buffer, uint64_t page_bytes) {
    memset(buffer, 0, sizeof *buffer);
    buffer->memory = (struct memory){.page_bytes = page_bytes, .overlap_bytes_max = page_bytes, .load = buffer_load,
        .count_resident = buffer_count_resident, .region_end = buffer_region_end, .settle = buffer_settle};
    memset(buffer->resident, 1, sizeof buffer->resident);
}

static inline void put_word(struct buffer_memory *buffer, uint64_t address, uint64_t word) {
    memcpy(buffer->bytes + (address - HEAP_AT), &word, sizeof word);
}

static inline uint32_t roll(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

#endif
