/* Accounting page by page while the chunks of a heap pass in address order: residency, whole free pages, pinned bytes.
 * It leaves deciding which bytes are live, free or top to chunks.c. */
#ifndef TIDEMARK_PAGES_H
#define TIDEMARK_PAGES_H

#include "memory.h"
#include "walk.h"

enum bytes_kind { BYTES_LIVE, BYTES_FREE, BYTES_TOP, BYTES_METADATA };

/* The page that the walk stands on. Pages wholly inside one chunk never become the open page. */
struct open_page {
    uint64_t start; /* 0 while no page is open. */
    uint32_t free_bytes;
    uint32_t live_bytes;
    uint32_t top_bytes;     /* Apart from free_bytes, because the top is not pinned: the heap grows into it. */
    uint32_t live_bins;     /* Bit i is set when live_bytes_by_bin[i] counts; the others hold stale values. */
    uint32_t live_bytes_by_bin[SIZE_BIN_COUNT];
};

static inline unsigned size_bin(uint64_t chunk_bytes) {
    unsigned log2 = 63U - (unsigned)__builtin_clzll(chunk_bytes | 16);
    return log2 - 4 < SIZE_BIN_COUNT ? log2 - 4 : SIZE_BIN_COUNT - 1;
}

/* A span of bytes that leaves the open page; pages_add is its fast path. Pages in [trim_from, trim_to) are counted as
 * whole free pages: what malloc_trim(0) would release of this span. */
enum access pages_cross(struct open_page *page, struct memory *memory, struct heap_totals *totals, enum bytes_kind kind,
                        uint64_t from, uint64_t to, uint64_t chunk_bytes, uint64_t trim_from, uint64_t trim_to);

/* Closes the last page of a region. */
enum access pages_finish(struct open_page *page, struct memory *memory, struct heap_totals *totals);

static inline void pages_add_here(struct open_page *page, enum bytes_kind kind, uint32_t bytes, uint64_t chunk_bytes) {
    if (kind == BYTES_LIVE) {
        unsigned bin = size_bin(chunk_bytes);
        if (!(page->live_bins >> bin & 1)) {
            page->live_bins |= UINT32_C(1) << bin;
            page->live_bytes_by_bin[bin] = 0;
        }
        page->live_bytes_by_bin[bin] += bytes;
        page->live_bytes += bytes;
    } else if (kind == BYTES_FREE) {
        page->free_bytes += bytes;
    } else if (kind == BYTES_TOP) {
        page->top_bytes += bytes;
    }
}

#endif
