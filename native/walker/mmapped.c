/* Follows mmapped chunks through each anonymous mapping: the kernel merges neighbours, so one mapping may hold many.
 * It leaves the list of mappings to maps.c. Source: sysmalloc_mmap and _int_memalign in glibc malloc/malloc.c. */
#include "mmapped.h"

#define HEADER_BYTES 16
#define FLAG_BITS UINT64_C(7)
#define IS_MMAPPED UINT64_C(2)
#define MMAP_HP UINT64_C(1)
/* Each header costs about 1 us; a process with more of them than this has vma_count as its problem. */
#define HEADERS_MAX 65536

/* One cursor a mapping; PEEK_COUNT_MAX of them advance together, so that their headers are read in one call. */
struct cursors {
    size_t count;
    uint64_t at[PEEK_COUNT_MAX];
    uint64_t end[PEEK_COUNT_MAX];
};

/* The bytes of the mapping whose chunk has this header at its start, or 0. memalign leaves this header behind with the full
 * size when it hands out a later part. From 2.43 on, the size does not count the header, and bit 0 of the first word tells
 * huge pages. */
static uint64_t mapping_bytes(const unsigned char *header, uint64_t bytes_left, uint64_t page_bytes) {
    uint64_t offset_word = word_at(header);
    uint64_t size_word = word_at(header + 8);
    uint64_t bytes = size_word & ~FLAG_BITS;
    if (bytes % page_bytes == page_bytes - HEADER_BYTES) {
        offset_word &= ~MMAP_HP;
        bytes += HEADER_BYTES;
    }
    bool plausible = offset_word == 0 && (size_word & FLAG_BITS) == IS_MMAPPED && bytes != 0;
    return plausible && bytes % page_bytes == 0 && bytes <= bytes_left ? bytes : 0;
}

static enum access take_headers(struct process_memory *process, struct cursors *cursors, struct mmapped *mmapped,
                                unsigned char *headers) {
    enum access pieces[PEEK_COUNT_MAX];
    size_t kept = 0;
    enum access access = process_memory_peek(process, cursors->at, cursors->count, HEADER_BYTES, headers, pieces);
    if (access != ACCESS_OK) return access;
    for (size_t i = 0; i < cursors->count; i++) {
        if (pieces[i] != ACCESS_OK) continue;
        uint64_t left = cursors->end[i] - cursors->at[i];
        uint64_t bytes = mapping_bytes(headers + i * HEADER_BYTES, left, process->memory.page_bytes);
        mmapped->bytes += bytes;
        mmapped->count += bytes != 0;
        if (bytes == 0 || bytes == left) continue;
        cursors->at[kept] = cursors->at[i] + bytes;
        cursors->end[kept++] = cursors->end[i];
    }
    cursors->count = kept;
    return ACCESS_OK;
}

static enum access advance(struct process_memory *process, struct cursors *cursors, struct mmapped *mmapped) {
    unsigned char headers[PEEK_COUNT_MAX * HEADER_BYTES];
    enum access access = take_headers(process, cursors, mmapped, headers);
    explicit_bzero(headers, sizeof headers);
    return access;
}

enum access mmapped_count(struct process_memory *process, const struct maps *maps, struct mmapped *mmapped) {
    struct cursors cursors = {.count = 0};
    size_t next = 0;
    size_t looked_at = 0;
    *mmapped = (struct mmapped){.complete = maps->anonymous_complete};
    while (mmapped->complete && (next < maps->anonymous_count || cursors.count != 0)) {
        for (; next < maps->anonymous_count && cursors.count < PEEK_COUNT_MAX; next++) {
            cursors.at[cursors.count] = maps->anonymous[next].start;
            cursors.end[cursors.count++] = maps->anonymous[next].end;
        }
        looked_at += cursors.count;
        if (looked_at > HEADERS_MAX) mmapped->complete = false;
        enum access access = advance(process, &cursors, mmapped);
        if (access != ACCESS_OK) return access;
    }
    return ACCESS_OK;
}
