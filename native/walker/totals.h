/* Adding the figures of one heap to those of its arena or process.
 * It leaves what they mean to walk.h. */
#ifndef TIDEMARK_TOTALS_H
#define TIDEMARK_TOTALS_H

#include "walk.h"

static inline void totals_add(struct heap_totals *sum, const struct heap_totals *heap) {
    sum->live_bytes += heap->live_bytes;
    sum->free_bytes += heap->free_bytes;
    sum->free_resident_bytes += heap->free_resident_bytes;
    sum->free_chunk_count += heap->free_chunk_count;
    if (heap->free_chunk_bytes_max > sum->free_chunk_bytes_max) sum->free_chunk_bytes_max = heap->free_chunk_bytes_max;
    sum->top_bytes += heap->top_bytes;
    sum->metadata_bytes += heap->metadata_bytes;
    sum->whole_free_page_bytes += heap->whole_free_page_bytes;
    sum->reclaimable_bytes += heap->reclaimable_bytes;
    sum->resident_bytes += heap->resident_bytes;
    for (unsigned bin = 0; bin < SIZE_BIN_COUNT; bin++) {
        sum->free_bytes_by_size[bin] += heap->free_bytes_by_size[bin];
        sum->pinned_bytes_by_size[bin] += heap->pinned_bytes_by_size[bin];
    }
}

#endif
