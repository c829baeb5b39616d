/* The rarely taken half of the page accounting: what happens when a chunk leaves the open page.
 * It leaves the common case, a chunk within one page, to the inline functions of pages.h. */
#include "pages.h"

/* Shares the page's free bytes among the size classes of its live chunks, in proportion to their bytes on the page.
 * The last class takes the rounding, so that nothing is lost. */
static void share_pinned(const struct open_page *page, struct heap_totals *totals) {
    uint64_t left = page->free_bytes;
    uint32_t bins = page->live_bins;
    while (bins != 0) {
        unsigned bin = (unsigned)__builtin_ctz(bins);
        bins &= bins - 1;
        uint64_t share = bins == 0 ? left : (uint64_t)page->free_bytes * page->live_bytes_by_bin[bin] / page->live_bytes;
        totals->pinned_bytes_by_size[bin] += share;
        left -= share;
    }
}

enum access pages_finish(struct open_page *page, struct memory *memory, struct heap_totals *totals) {
    if (page->start == 0) return ACCESS_OK;
    uint64_t resident_bytes = 0;
    enum access access = memory->count_resident(memory, page->start, page->start + memory->page_bytes, &resident_bytes);
    if (access != ACCESS_OK) return access;
    totals->resident_bytes += resident_bytes;
    if (resident_bytes != 0) totals->free_resident_bytes += (uint64_t)page->free_bytes + page->top_bytes;
    bool half_free = 2 * (uint64_t)page->free_bytes >= memory->page_bytes;
    if (resident_bytes != 0 && half_free && page->live_bytes != 0 && page->top_bytes == 0) share_pinned(page, totals);
    page->start = 0;
    return ACCESS_OK;
}

static void open_at(struct open_page *page, uint64_t start) {
    page->start = start;
    page->free_bytes = 0;
    page->live_bytes = 0;
    page->live_bins = 0;
    page->top_bytes = 0;
}

/* Counts whole pages [from, to) of one chunk, of which [trim_from, trim_to) would be released by a trim. */
static enum access count_whole_pages(struct memory *memory, struct heap_totals *totals, enum bytes_kind kind, uint64_t from,
                                     uint64_t to, uint64_t trim_from, uint64_t trim_to) {
    enum access access = ACCESS_OK;
    uint64_t resident = 0;
    uint64_t reclaimable = 0;
    if (trim_from < from) trim_from = from;
    if (trim_to > to) trim_to = to;
    if (trim_from >= trim_to) trim_from = trim_to = to;
    if (from < trim_from) access = memory->count_resident(memory, from, trim_from, &resident);
    if (access == ACCESS_OK && trim_from < trim_to) access = memory->count_resident(memory, trim_from, trim_to, &reclaimable);
    if (access == ACCESS_OK && trim_to < to) access = memory->count_resident(memory, trim_to, to, &resident);
    resident += reclaimable;
    totals->resident_bytes += resident;
    if (kind == BYTES_FREE || kind == BYTES_TOP) totals->free_resident_bytes += resident;
    totals->reclaimable_bytes += reclaimable;
    totals->whole_free_page_bytes += trim_to - trim_from;
    return access;
}

enum access pages_cross(struct open_page *page, struct memory *memory, struct heap_totals *totals, enum bytes_kind kind,
                        uint64_t from, uint64_t to, uint64_t chunk_bytes, uint64_t trim_from, uint64_t trim_to) {
    enum access access = ACCESS_OK;
    uint64_t first = align_down(from, memory->page_bytes);
    if (from != first || page->start == first) {
        if (page->start != first) open_at(page, first);
        uint64_t end = first + memory->page_bytes < to ? first + memory->page_bytes : to;
        pages_add_here(page, kind, (uint32_t)(end - from), chunk_bytes);
        if (end == to && to != first + memory->page_bytes) return ACCESS_OK;
        access = pages_finish(page, memory, totals);
        from = end;
    }
    uint64_t last = align_down(to, memory->page_bytes);
    if (access == ACCESS_OK && from < last) access = count_whole_pages(memory, totals, kind, from, last, trim_from, trim_to);
    if (access == ACCESS_OK && last < to && from <= last) {
        open_at(page, last);
        pages_add_here(page, kind, (uint32_t)(to - last), chunk_bytes);
    }
    return access;
}
