/* One pass over the chunk headers of a heap that its owner may be changing at the same time.
 * It leaves retrying after a torn read to retry.c, and pages to pages.c. */
#include "chain.h"
#include "tcache_note.h"

#define IS_MMAPPED UINT64_C(2)
#define NON_MAIN_ARENA UINT64_C(4)
#define HEADER_BYTES UINT64_C(16)
#define CHUNK_BYTES_MIN UINT64_C(32) /* MINSIZE */
#define TRIM_HEADER_BYTES UINT64_C(48) /* sizeof (struct malloc_chunk): what malloc_trim keeps of a free chunk. */

static struct chain_event event(enum chain_event_kind kind, enum access access, uint64_t size_word) {
    return (struct chain_event){.kind = kind, .access = access, .size_word = size_word};
}

static enum access add_bytes(struct chain *chain, struct memory *memory, enum bytes_kind kind, uint64_t from, uint64_t to,
                             uint64_t trim_from, uint64_t trim_to) {
    struct open_page *page = &chain->page;
    if (page->start != 0 && to < page->start + memory->page_bytes) {
        pages_add_here(page, kind, (uint32_t)(to - from), to - from);
        return ACCESS_OK;
    }
    return pages_cross(page, memory, &chain->totals, kind, from, to, to - from, trim_from, trim_to);
}

static enum access add_metadata(struct chain *chain, struct memory *memory, uint64_t from, uint64_t to) {
    chain->totals.metadata_bytes += to - from;
    return from < to ? add_bytes(chain, memory, BYTES_METADATA, from, to, 0, 0) : ACCESS_OK;
}

static enum access add_live(struct chain *chain, struct memory *memory, uint64_t chunk, uint64_t bytes) {
    chain->totals.live_bytes += bytes;
    return add_bytes(chain, memory, BYTES_LIVE, chunk, chunk + bytes, 0, 0);
}

/* malloc_trim(0) releases the whole pages of a free chunk behind its header (mtrim in malloc.c). */
static enum access add_free(struct chain *chain, struct memory *memory, uint64_t chunk, uint64_t bytes) {
    struct heap_totals *totals = &chain->totals;
    totals->free_bytes += bytes;
    totals->free_chunk_count++;
    if (bytes > totals->free_chunk_bytes_max) totals->free_chunk_bytes_max = bytes;
    totals->free_bytes_by_size[size_bin(bytes)] += bytes;
    return add_bytes(chain, memory, BYTES_FREE, chunk, chunk + bytes, align_up(chunk + TRIM_HEADER_BYTES, memory->page_bytes),
                     align_down(chunk + bytes, memory->page_bytes));
}

/* malloc_trim(0) gives back the end of the main top but MINSIZE and one byte (systrim), and nothing of other tops. */
static enum access add_top(struct chain *chain, struct memory *memory, const struct heap_region *region, uint64_t bytes) {
    uint64_t trim_bytes = 0;
    chain->totals.top_bytes += bytes;
    if (region->main_arena && bytes > CHUNK_BYTES_MIN + 1) {
        trim_bytes = align_down(bytes - CHUNK_BYTES_MIN - 1, memory->page_bytes);
    }
    return add_bytes(chain, memory, BYTES_TOP, region->end - bytes, region->end, region->end - trim_bytes, region->end);
}

/* A free chunk has its size in its own header and in front of the next one. When they differ, the memory was changed while
 * it was copied, and the chunk is still free for the greater part: good enough where trying again did not help. */
static bool is_torn_but_free(const struct chain *chain, const struct heap_region *region, uint64_t size_in_next) {
    return chain->tolerant && size_in_next >= CHUNK_BYTES_MIN && size_in_next % HEADER_BYTES == 0 &&
           size_in_next <= chain->position - region->first_chunk;
}

/* Apart, because it is rarely taken. The chunk before `header` may begin in front of the block. */
__attribute__((noinline)) static void note_tcache(const struct chain *chain, struct memory *memory, const unsigned char *header) {
    uint64_t bytes = chain->previous_bytes;
    bool at_hand = chain->position - memory->block_start >= bytes;
    tcache_note(memory->tcache, chain->position - bytes, at_hand ? header - bytes + HEADER_BYTES : NULL, bytes);
}

/* Says whether the chunk before `header` was free, and books it, unless that was done before `header` was read again. The
 * first chunk has nothing in front of it, and says so by its PREV_INUSE. */
static struct chain_event settle_previous(struct chain *chain, struct memory *memory, const struct heap_region *region,
                                          const unsigned char *header) {
    uint64_t size_word = word_at(header + 8);
    uint64_t bytes = chain->previous_bytes;
    bool previous_in_use = (size_word & CHUNK_PREV_INUSE) != 0;
    enum access access = ACCESS_OK;
    if (bytes == 0) {
        bool first = chain->position == region->first_chunk;
        if (first && !previous_in_use) return event(CHAIN_INVALID, ACCESS_OK, size_word);
        return event(CHAIN_GOES_ON, ACCESS_OK, 0);
    }
    if (previous_in_use) {
        if (tcache_chunk_fits(bytes) && memory->tcache != NULL) note_tcache(chain, memory, header);
        access = add_live(chain, memory, chain->position - bytes, bytes);
    } else if (word_at(header) == bytes) {
        access = add_free(chain, memory, chain->position - bytes, bytes);
    } else if (is_torn_but_free(chain, region, word_at(header))) {
        chain->torn_count++;
        access = add_free(chain, memory, chain->position - bytes, bytes);
    } else {
        return event(CHAIN_INVALID, ACCESS_OK, size_word);
    }
    chain->previous_bytes = 0;
    return event(access == ACCESS_OK ? CHAIN_GOES_ON : CHAIN_BLOCKED, access, 0);
}

/* When a thread arena goes on to a new heap, its old one ends in a chunk of 16 bytes and a header of size 0, both only
 * there to stop coalescing (sysmalloc in malloc.c). A chunk of 32 bytes may stand in for the first. */
static bool is_fencepost(const struct heap_region *region, uint64_t position, uint64_t bytes) {
    if (region->main_arena) return false;
    return (bytes == HEADER_BYTES && position + 2 * HEADER_BYTES == region->end) ||
           (bytes == 0 && position + HEADER_BYTES == region->end);
}

bool chunk_is_valid(const struct heap_region *region, uint64_t position, uint64_t size_word) {
    uint64_t bytes = size_word & ~CHUNK_FLAG_BITS;
    if ((size_word & IS_MMAPPED) != 0) return false;
    if (region->main_arena && (size_word & NON_MAIN_ARENA) != 0) return false;
    return bytes >= CHUNK_BYTES_MIN && bytes % HEADER_BYTES == 0 && bytes <= region->end - position;
}

static struct chain_event take_header(struct chain *chain, struct memory *memory, struct heap_region *region,
                                      const unsigned char *header) {
    uint64_t size_word = word_at(header + 8);
    uint64_t bytes = size_word & ~CHUNK_FLAG_BITS;
    bool fencepost = is_fencepost(region, chain->position, bytes);
    if (!fencepost && !chunk_is_valid(region, chain->position, size_word)) {
        uint64_t end = memory->region_end(memory, region);
        bool grown = end > region->end;
        if (grown) region->end = end;
        fencepost = is_fencepost(region, chain->position, bytes);
        if (!grown || (!fencepost && !chunk_is_valid(region, chain->position, size_word))) {
            return event(CHAIN_INVALID, ACCESS_OK, size_word);
        }
    }
    struct chain_event settled = settle_previous(chain, memory, region, header);
    if (settled.kind != CHAIN_GOES_ON) return settled;
    enum access access;
    if (fencepost) {
        access = add_metadata(chain, memory, chain->position, chain->position + HEADER_BYTES);
        chain->position += HEADER_BYTES;
        if (access != ACCESS_OK) return event(CHAIN_BLOCKED, access, 0);
        return event(bytes == 0 ? CHAIN_ENDS_IN_FENCE : CHAIN_GOES_ON, ACCESS_OK, 0);
    }
    if (bytes == region->end - chain->position) {
        access = add_top(chain, memory, region, bytes);
        chain->position = region->end;
        return event(access == ACCESS_OK ? CHAIN_ENDS_IN_TOP : CHAIN_BLOCKED, access, 0);
    }
    chain->position += bytes;
    chain->previous_bytes = bytes;
    return event(CHAIN_GOES_ON, ACCESS_OK, 0);
}

enum access chain_begin(struct chain *chain, struct memory *memory, const struct heap_region *region,
                        const struct heap_totals *totals) {
    *chain = (struct chain){.position = region->first_chunk, .totals = *totals};
    return add_metadata(chain, memory, region->start, region->first_chunk);
}

struct chain_event chain_run_block(struct chain *chain, struct memory *memory, struct heap_region *region) {
    struct chain_event last = event(CHAIN_GOES_ON, ACCESS_OK, 0);
    while (last.kind == CHAIN_GOES_ON) {
        uint64_t offset = chain->position - memory->block_start;
        if (chain->position < memory->block_start || offset >= memory->block_bytes) break;
        last = take_header(chain, memory, region, memory->block + offset);
    }
    if (last.kind == CHAIN_ENDS_IN_TOP || last.kind == CHAIN_ENDS_IN_FENCE) {
        enum access access = pages_finish(&chain->page, memory, &chain->totals);
        if (access != ACCESS_OK) return event(CHAIN_BLOCKED, access, 0);
    }
    return last;
}
