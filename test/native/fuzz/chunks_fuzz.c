/* Fuzzes the chunk walk of one heap (first_chunk.c, chunks.c, retry.c, pages.c) behind struct memory: any contents, holes,
 * page and block sizes, and changes between and within two loads. It leaves /proc and whole processes to process_fuzz.c. */
#include <string.h>

#include "../../../native/walker/chunks.h"
#include "../../../native/walker/first_chunk.h"
#include "scene.h"

#define BLOCK_PAGES_MAX 16u
/* The walk reads each byte once, plus 200 attempts that go back 9 blocks or, twice at a spot, to the start of the heap. */
#define LOADS_MAX 400000u

struct shown_scene {
    struct memory memory; /* First, so that a struct memory * can be turned back. */
    struct scene *scene;
    uint64_t region_start;
    uint64_t highest_end; /* The furthest that the region ever reached. */
    uint64_t block_pages;
    unsigned char *block; /* Of exactly the block's size: the address sanitizer sees the first byte too many. */
    unsigned loads;
    bool was_changed;
};

static struct scene scene;

static enum access access_of_page(enum page_state state) {
    if (state == PAGE_RESIDENT) return ACCESS_OK;
    return state == PAGE_SWAPPED ? ACCESS_SWAPPED : ACCESS_ABSENT;
}

static enum access failure_now(const struct scene *shown) {
    static const enum access failures[] = {ACCESS_ABSENT, ACCESS_SWAPPED, ACCESS_GONE, ACCESS_DENIED, ACCESS_BUDGET, ACCESS_NO_PAGEMAP};
    if (shown->gone || shown->replaced) return ACCESS_GONE;
    return shown->fails ? failures[shown->fail_choice % (sizeof failures / sizeof failures[0])] : ACCESS_OK;
}

static enum access show_block(struct memory *memory, uint64_t address, uint64_t limit) {
    struct shown_scene *shown = (struct shown_scene *)memory;
    uint64_t page = align_down(address, memory->page_bytes);
    uint64_t bytes = 0, until;
    EXPECT(address >= shown->region_start && address < limit && limit <= shown->highest_end);
    EXPECT(++shown->loads < LOADS_MAX);
    free(shown->block);
    shown->block = NULL;
    memory_drop_block(memory);
    if (failure_now(shown->scene) != ACCESS_OK) return failure_now(shown->scene);
    enum page_state state = scene_page(shown->scene, page, &until);
    if (state != PAGE_RESIDENT) return access_of_page(state);
    while (bytes < shown->block_pages * memory->page_bytes && page + bytes < limit &&
           scene_page(shown->scene, page + bytes, &until) == PAGE_RESIDENT) {
        bytes += memory->page_bytes;
    }
    shown->block = malloc(bytes);
    scene_copy(page, bytes / 2, shown->block);
    scene_tick(shown->scene); /* The owner does not wait for the copy to end. */
    scene_copy(page + bytes / 2, bytes - bytes / 2, shown->block + bytes / 2);
    memory->block = shown->block;
    memory->block_start = page;
    memory->block_bytes = bytes;
    return ACCESS_OK;
}

static enum access count_resident(struct memory *memory, uint64_t from, uint64_t to, uint64_t *bytes) {
    struct shown_scene *shown = (struct shown_scene *)memory;
    EXPECT(from < to && from % memory->page_bytes == 0 && to % memory->page_bytes == 0);
    EXPECT(from >= align_down(shown->region_start, memory->page_bytes) && to <= align_up(shown->highest_end, memory->page_bytes));
    if (failure_now(shown->scene) != ACCESS_OK) return failure_now(shown->scene);
    for (uint64_t until; from < to; from = until) {
        enum page_state state = scene_page(shown->scene, from, &until);
        if (until > to) until = to;
        if (state == PAGE_RESIDENT) *bytes += until - from;
    }
    return ACCESS_OK;
}

/* The mapping that holds the region's start, as it is now. */
static uint64_t region_end(struct memory *memory, const struct heap_region *region) {
    struct shown_scene *shown = (struct shown_scene *)memory;
    scene_tick(shown->scene);
    for (size_t i = 0; i < shown->scene->mapping_count; i++) {
        const struct scene_mapping *mapping = &shown->scene->mappings[i];
        if (mapping->start > region->start || mapping->end <= region->start) continue;
        if (mapping->end > shown->highest_end) shown->highest_end = mapping->end;
        return mapping->end;
    }
    return region->end;
}

static void settle(struct memory *memory, unsigned attempt) {
    EXPECT(attempt > 0 && attempt < 64);
    scene_tick(((struct shown_scene *)memory)->scene);
}

static uint64_t sum(const uint64_t *numbers) {
    uint64_t total = 0;
    for (unsigned i = 0; i < SIZE_BIN_COUNT; i++) total += numbers[i];
    return total;
}

static void expect_consistent(const struct heap_totals *totals, uint64_t region_bytes, uint64_t page_bytes) {
    EXPECT(totals->live_bytes + totals->free_bytes + totals->top_bytes + totals->metadata_bytes == region_bytes);
    EXPECT(sum(totals->free_bytes_by_size) == totals->free_bytes);
    EXPECT(totals->free_chunk_bytes_max <= totals->free_bytes);
    EXPECT(totals->free_chunk_count <= totals->free_bytes / 32);
    EXPECT((totals->free_chunk_count == 0) == (totals->free_bytes == 0));
    EXPECT(totals->reclaimable_bytes <= totals->whole_free_page_bytes);
    EXPECT(totals->whole_free_page_bytes <= totals->free_bytes + totals->top_bytes);
    EXPECT(totals->free_resident_bytes <= totals->resident_bytes);
    EXPECT(totals->free_resident_bytes <= totals->free_bytes + totals->top_bytes);
    EXPECT(totals->reclaimable_bytes <= totals->free_resident_bytes);
    EXPECT(totals->resident_bytes <= region_bytes + 2 * page_bytes);
    EXPECT(sum(totals->pinned_bytes_by_size) <= totals->free_resident_bytes);
}

/* Reads a heap that stands still in the plainest way: what the walk says of it must be exactly this. */
static void expect_exact(struct memory *memory, const struct heap_region *region, const struct heap_totals *totals) {
    uint64_t live = 0, free_bytes = 0, count = 0, resident = 0;
    for (uint64_t at = region->first_chunk; at < region->end;) {
        unsigned char words[24];
        scene_copy(at + 8, 8, words);
        uint64_t bytes = word_at(words) & ~UINT64_C(7);
        if (bytes < 32 || bytes == region->end - at) break; /* Fenceposts, or the top. */
        at += bytes;
        scene_copy(at + 8, 8, words);
        if (word_at(words) & 1) live += bytes;
        if (!(word_at(words) & 1)) free_bytes += bytes, count++;
    }
    count_resident(memory, align_down(region->start, memory->page_bytes), align_up(region->end, memory->page_bytes), &resident);
    EXPECT(totals->live_bytes == live && totals->free_bytes == free_bytes && totals->free_chunk_count == count);
    EXPECT(totals->resident_bytes == resident);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Options: 0 page size, 1 which mapping, 2 bit 0 main arena and bit 1 no overlap, 3 pages a block, 4 and 5 where the first
 * chunk is, in units of 16 bytes. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    scene_decode(&scene, data, size);
    if (scene.mapping_count == 0) return 0;
    const struct scene_mapping *mapping = &scene.mappings[scene.options[1] % scene.mapping_count];
    bool main_arena = (scene.options[2] & 1) != 0;
    uint64_t offset = (scene.options[4] + (uint64_t)scene.options[5] * 256) * 16;
    if (offset >= mapping->end - mapping->start) offset = 0;
    struct heap_region region = {.start = mapping->start, .first_chunk = mapping->start + offset, .end = mapping->end,
        .main_arena = main_arena};
    struct shown_scene shown = {
        .memory = {.page_bytes = scene.page_bytes, .overlap_bytes_max = scene.options[2] & 2 ? 0 : scene.page_bytes,
            .load = show_block, .count_resident = count_resident, .region_end = region_end, .settle = settle},
        .scene = &scene,
        .region_start = region.start,
        .highest_end = region.end,
        .block_pages = 1 + scene.options[3] % BLOCK_PAGES_MAX,
    };
    struct heap_totals totals = {.live_bytes = 3, .free_chunk_bytes_max = 1}; /* Of an earlier heap: they must survive. */
    struct heap_totals before = totals;
    if (main_arena && first_chunk_find(&shown.memory, &region) != ACCESS_OK) goto out;
    EXPECT(region.start >= mapping->start && region.first_chunk >= region.start && region.first_chunk < region.end);
    struct chunks_outcome outcome = chunks_walk(&shown.memory, &region, &totals);
    EXPECT(walk_reason_word(outcome.reason) != NULL);
    if (getenv("TIDEMARK_FUZZ_SHOW") != NULL) printf("reason=%s\n", walk_reason_word(outcome.reason));
    if (outcome.reason == WALK_OK) {
        EXPECT(outcome.walked_bytes == region.end - region.start);
        EXPECT(outcome.ends_in_top || !main_arena);
        totals.live_bytes -= before.live_bytes;
        if (totals.free_chunk_count == 0) totals.free_chunk_bytes_max = 0;
        expect_consistent(&totals, region.end - region.start, scene.page_bytes);
        if (!scene_changes(&scene)) expect_exact(&shown.memory, &region, &totals);
    } else {
        EXPECT(memcmp(&totals, &before, sizeof totals) == 0);
        EXPECT(outcome.walked_bytes <= shown.highest_end - shown.region_start);
    }
out:
    free(shown.block);
    return 0;
}
