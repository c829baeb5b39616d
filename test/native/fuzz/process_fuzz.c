/* Fuzzes the whole walk of one process over a fake kernel: maps, pagemap, arenas, mmapped chunks, every heap, and exec, exit
 * or failing calls meanwhile. It leaves odd texts in /proc to text_fuzz.c and odd block sizes to chunks_fuzz.c. */
#include <string.h>

#include "../../../native/walker/print.h"
#include "../../../native/walker/walk.h"
#include "fake_kernel.h"

static struct scene scene;

static uint64_t sum(const uint64_t *numbers) {
    uint64_t total = 0;
    for (unsigned i = 0; i < SIZE_BIN_COUNT; i++) total += numbers[i];
    return total;
}

static void expect_parked(const struct parked *parked) {
    if (parked->known) EXPECT(parked->bytes >= 32 * parked->count);
}

/* The arenas add up to the process. */
static void expect_arenas(const struct walk_result *result) {
    uint64_t heap_bytes = 0, live = 0, free_bytes = 0, used = 0;
    for (size_t i = 0; i < result->arena_figures_count; i++) {
        const struct arena_figures *arena = &result->arena_figures[i];
        const struct heap_totals *totals = &arena->totals;
        EXPECT((arena->heap_count == 0) == (arena->heap_bytes == 0));
        EXPECT(totals->live_bytes + totals->free_bytes + totals->top_bytes + totals->metadata_bytes == arena->heap_bytes);
        EXPECT(totals->free_chunk_bytes_max <= result->totals.free_chunk_bytes_max);
        heap_bytes += arena->heap_bytes;
        live += totals->live_bytes;
        free_bytes += totals->free_bytes;
        used += arena->heap_count != 0;
    }
    EXPECT(heap_bytes == result->heap_bytes && used == result->arena_count);
    EXPECT(live == result->totals.live_bytes && free_bytes == result->totals.free_bytes);
}

static void expect_consistent(const struct walk_result *result) {
    const struct heap_totals *totals = &result->totals;
    EXPECT(totals->live_bytes + totals->free_bytes + totals->top_bytes + totals->metadata_bytes == result->heap_bytes);
    EXPECT(result->walked_bytes == result->heap_bytes && result->heap_bytes > 0);
    EXPECT(sum(totals->free_bytes_by_size) == totals->free_bytes);
    EXPECT(sum(totals->pinned_bytes_by_size) <= totals->free_resident_bytes);
    EXPECT(totals->free_chunk_bytes_max <= totals->free_bytes && totals->free_chunk_count <= totals->free_bytes / 32);
    EXPECT(totals->reclaimable_bytes <= totals->whole_free_page_bytes);
    EXPECT(totals->reclaimable_bytes <= totals->free_resident_bytes);
    EXPECT(totals->free_resident_bytes <= totals->resident_bytes);
    EXPECT(result->arena_count >= 1 && result->arena_count_over_1mib <= result->arena_count);
    EXPECT(result->arena_bytes_max <= result->heap_bytes && result->arena_bytes_max * result->arena_count >= result->heap_bytes);
    EXPECT(result->non_main_free_bytes <= result->non_main_arena_bytes && result->non_main_arena_bytes <= result->heap_bytes);
    EXPECT(result->vma_count_known && result->heap_bytes_expected > 0);
    expect_parked(&result->tcache);
    expect_parked(&result->fastbins);
    expect_arenas(result);
}

static void walk(const unsigned char *data, size_t size, struct walk_result *result) {
    scene_decode(&scene, data, size);
    fake_kernel.scene = &scene;
    fake_kernel.read_bytes_max = scene.options[3] == 0 ? 4096 : scene.options[3] * 8U;
    fake_kernel.pagemap_denied = (scene.options[7] & 2) != 0;
    fake_kernel.tick_ns = UINT64_C(500) << scene.options[4] % 8;
    struct walk_limits limits = {.cpu_us = 16600 - scene.options[5] * UINT64_C(64), .wall_ms = UINT64_C(256) - scene.options[6]};
    fake_kernel_start();
    walk_process(FAKE_PID, limits, result);
    print_arenas(result);
    print_result(result);
    fake_kernel_end();
    EXPECT(fake_kernel_lines() == 1 + (result->reason == WALK_OK ? result->arena_count : 0));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Options: 0 page size, 3 how the kernel cuts texts, 4 how long a call takes, 5 and 6 what is taken off the budgets, 7 bit 0 walk
 * twice, bit 1 pagemap may not be opened. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct walk_result result;
    walk(data, size, &result);
    EXPECT(result.pid == FAKE_PID && walk_reason_word(result.reason) != NULL);
    if (result.reason == WALK_OK) expect_consistent(&result);
    if ((scene.options[7] & 1) == 0) return 0;
    /* Nothing of one walk may show in the next. */
    static char first[FAKE_OUTPUT_BYTES_MAX];
    size_t first_bytes = fake_kernel.output_bytes;
    memcpy(first, fake_kernel.output, first_bytes);
    walk(data, size, &result);
    EXPECT(fake_kernel.output_bytes == first_bytes && memcmp(first, fake_kernel.output, first_bytes) == 0);
    return 0;
}
