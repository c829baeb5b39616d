/* Walks random heaps in a buffer and compares every figure with a model that looks at each 16 bytes on its own; then damages
 * them and asks for an honest answer. It leaves real processes to the other programs; exits 0 when all is well. */
#include "buffer_heap.h"

#include <stdio.h>

#define GRANULE 16u
#define GRANULES (HEAP_BYTES_MAX / GRANULE)
#define TRIM_HEADER_BYTES 48u

/* What each granule belongs to: bytes_kind in the low bits, the size of its chunk above. */
enum kind { KIND_METADATA, KIND_LIVE, KIND_FREE, KIND_TOP };
static unsigned char kinds[GRANULES];
static uint32_t chunk_sizes[GRANULES];
static unsigned char whole[PAGES_MAX];
static struct buffer_memory buffer;
static struct heap_totals expected;

static unsigned bin_of(uint64_t bytes) {
    unsigned bin = 0;
    while (bytes >= 32) bytes /= 2, bin++;
    return bin;
}

static void note(uint64_t at, uint64_t bytes, enum kind kind) {
    for (uint64_t granule = at / GRANULE; granule < (at + bytes) / GRANULE; granule++) {
        kinds[granule] = (unsigned char)kind;
        chunk_sizes[granule] = (uint32_t)bytes;
    }
}

static void note_whole(uint64_t from, uint64_t to, uint64_t page_bytes) {
    for (uint64_t page = (from + page_bytes - 1) / page_bytes; (page + 1) * page_bytes <= to; page++) whole[page] = 1;
}

static uint32_t choose_size(uint32_t *random) {
    uint32_t kind = roll(random) % 10;
    uint32_t limit = kind < 7 ? 500 : kind < 9 ? 9000 : 150000;
    return 32 + roll(random) % limit / 16 * 16;
}

/* Builds a heap of chunks and, for the main arena, a top, or two fenceposts. */
static struct heap_region build(uint32_t *random, uint64_t page_bytes, int fenced) {
    uint64_t end = page_bytes * (2 + roll(random) % (HEAP_BYTES_MAX / page_bytes - 2));
    uint64_t at = fenced ? 48 : 0;
    uint64_t limit = end - (fenced ? 32 : 64);
    uint64_t flag = fenced ? 4 : 0;
    int previous_free = 0;
    buffer_init(&buffer, page_bytes);
    memset(kinds, 0, sizeof kinds);
    memset(whole, 0, sizeof whole);
    memset(&expected, 0, sizeof expected);
    expected.metadata_bytes = at + (fenced ? 32 : 0);
    while (at + 32 <= limit) {
        uint64_t bytes = choose_size(random);
        if (at + bytes + 32 > limit) bytes = limit - at;
        int is_free = roll(random) % 2;
        put_word(&buffer, HEAP_AT + at + 8, bytes | flag | !previous_free);
        note(at, bytes, is_free ? KIND_FREE : KIND_LIVE);
        if (is_free) {
            put_word(&buffer, HEAP_AT + at + bytes, bytes);
            note_whole(at + TRIM_HEADER_BYTES, at + bytes, page_bytes);
            expected.free_bytes += bytes;
            expected.free_chunk_count++;
            expected.free_bytes_by_size[bin_of(bytes)] += bytes;
            if (bytes > expected.free_chunk_bytes_max) expected.free_chunk_bytes_max = bytes;
        } else {
            expected.live_bytes += bytes;
        }
        at += bytes;
        previous_free = is_free;
    }
    put_word(&buffer, HEAP_AT + at + 8, (fenced ? 16 : end - at) | !previous_free);
    if (fenced) {
        put_word(&buffer, HEAP_AT + at + 24, 1);
    } else {
        note(at, end - at, KIND_TOP);
        note_whole(end - (end - at - 33) / page_bytes * page_bytes, end, page_bytes);
        expected.top_bytes = end - at;
    }
    return (struct heap_region){HEAP_AT, HEAP_AT + (fenced ? 48 : 0), HEAP_AT + end, !fenced};
}

/* Takes away random pages that no header lies on, as a trim would. */
static void drop_pages(uint32_t *random, uint64_t end, uint64_t page_bytes) {
    for (uint64_t page = 0; page < end / page_bytes; page++) {
        if (whole[page] && roll(random) % 2) buffer.resident[page] = 0;
    }
}

static void expect_pages(uint64_t end, uint64_t page_bytes) {
    for (uint64_t page = 0; page < end / page_bytes; page++) {
        uint64_t live_by_bin[SIZE_BIN_COUNT] = {0};
        uint64_t live = 0, free_bytes = 0, top = 0;
        if (whole[page]) expected.whole_free_page_bytes += page_bytes;
        if (!buffer.resident[page]) continue;
        expected.resident_bytes += page_bytes;
        if (whole[page]) expected.reclaimable_bytes += page_bytes;
        for (uint64_t granule = page * page_bytes / GRANULE; granule < (page + 1) * page_bytes / GRANULE; granule++) {
            if (kinds[granule] == KIND_FREE) free_bytes += GRANULE;
            if (kinds[granule] == KIND_TOP) top += GRANULE;
            if (kinds[granule] != KIND_LIVE) continue;
            live += GRANULE;
            live_by_bin[bin_of(chunk_sizes[granule])] += GRANULE;
        }
        expected.free_resident_bytes += free_bytes + top;
        if (live == 0 || top != 0 || 2 * free_bytes < page_bytes) continue;
        uint64_t left = free_bytes;
        unsigned last = 0;
        for (unsigned bin = 0; bin < SIZE_BIN_COUNT; bin++) {
            if (live_by_bin[bin] == 0) continue;
            last = bin;
            left -= free_bytes * live_by_bin[bin] / live;
            expected.pinned_bytes_by_size[bin] += free_bytes * live_by_bin[bin] / live;
        }
        expected.pinned_bytes_by_size[last] += left;
    }
}

static uint64_t accounted(const struct heap_totals *totals) {
    return totals->live_bytes + totals->free_bytes + totals->top_bytes + totals->metadata_bytes;
}

static int damage_and_walk(uint32_t *random, struct heap_region region) {
    uint64_t bytes = region.end - region.start;
    for (uint32_t count = 1 + roll(random) % 3; count > 0; count--) {
        uint64_t at = roll(random) % bytes / 8 * 8;
        uint64_t word = roll(random) % 4 == 0 ? ~UINT64_C(0) - roll(random) % 64 : roll(random) % (2 * bytes);
        if (roll(random) % 8 == 0) buffer.resident[at / buffer.memory.page_bytes] = 0;
        put_word(&buffer, HEAP_AT + at, word);
    }
    struct heap_totals totals = {0};
    struct chunks_outcome outcome = chunks_walk(&buffer.memory, &region, &totals);
    if (outcome.reason == WALK_OK) return accounted(&totals) == bytes;
    return accounted(&totals) == 0 && outcome.walked_bytes <= bytes;
}

int main(void) {
    static const uint64_t page_sizes[] = {4096, 16384, 65536};
    uint32_t random = 42;
    for (unsigned round = 0; round < 600; round++) {
        uint64_t page_bytes = page_sizes[round % 3];
        int fenced = round % 2;
        struct heap_region region = build(&random, page_bytes, fenced);
        struct heap_totals totals = {0};
        drop_pages(&random, region.end - HEAP_AT, page_bytes);
        expect_pages(region.end - HEAP_AT, page_bytes);
        struct chunks_outcome outcome = chunks_walk(&buffer.memory, &region, &totals);
        if (outcome.reason != WALK_OK || outcome.ends_in_top == fenced || memcmp(&totals, &expected, sizeof totals) != 0) {
            printf("round %u: reason %s, live %llu of %llu, free %llu of %llu, resident %llu of %llu, whole %llu of %llu\n", round,
                walk_reason_word(outcome.reason), (unsigned long long)totals.live_bytes, (unsigned long long)expected.live_bytes,
                (unsigned long long)totals.free_bytes, (unsigned long long)expected.free_bytes,
                (unsigned long long)totals.resident_bytes, (unsigned long long)expected.resident_bytes,
                (unsigned long long)totals.whole_free_page_bytes, (unsigned long long)expected.whole_free_page_bytes);
            return 1;
        }
        for (unsigned damage = 0; damage < 10; damage++) {
            if (!damage_and_walk(&random, region)) {
                printf("round %u: damage %u is not answered honestly\n", round, damage);
                return 1;
            }
        }
        free(buffer.block);
    }
    puts("ok");
    return 0;
}
