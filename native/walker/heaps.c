/* Adds up heaps to arenas and arenas to the process, and checks that none went on where we did not look.
 * It leaves the order of the whole measurement to walk.c. */
#include "heaps.h"

#include <string.h>

#include "chunks.h"
#include "first_chunk.h"
#include "totals.h"

#define MIB (UINT64_C(1) << 20)

/* Some 1.5 MiB that cost memory only as far as they are filled. Static, so that no walk can fail for want of memory. */
static struct arena_figures figures[ARENA_MAX + 1];
static unsigned tops[ARENA_MAX + 1];

struct range heaps_brk_range(const struct maps *maps, uint64_t start_brk) {
    /* Without address randomisation [heap] can begin with the end of the program's data, which start_brk leaves out. */
    struct range brk = maps->heap;
    if (start_brk > brk.start && brk.start < brk.end) brk.start = start_brk;
    return brk;
}

static enum walk_reason walk_heap(struct process_memory *process, struct heap_region *region, size_t number,
                                  struct walk_result *result) {
    struct arena_figures *arena = &figures[number];
    struct heap_totals totals = {0};
    struct chunks_outcome outcome = chunks_walk(&process->memory, region, &totals);
    result->walked_bytes += outcome.walked_bytes;
    if (outcome.reason != WALK_OK) return outcome.reason;
    arena->heap_bytes += region->end - region->start;
    arena->heap_count++;
    totals_add(&arena->totals, &totals);
    tops[number] += outcome.ends_in_top;
    return WALK_OK;
}

static enum walk_reason walk_brk(struct process_memory *process, struct range *brk, struct walk_result *result) {
    struct heap_region region = {brk->start, align_up(brk->start, 16), brk->end, true};
    if (region.first_chunk >= region.end) return WALK_NO_HEAP;
    enum walk_reason reason = reason_of_access(first_chunk_find(&process->memory, &region));
    if (reason == WALK_OK) reason = walk_heap(process, &region, 0, result);
    *brk = (struct range){region.start, region.end};
    return reason;
}

static void add_arena(struct walk_result *result, size_t number) {
    const struct arena_figures *arena = &figures[number];
    result->arena_count++;
    result->arena_count_over_1mib += arena->heap_bytes > MIB;
    if (arena->heap_bytes > result->arena_bytes_max) result->arena_bytes_max = arena->heap_bytes;
    result->heap_bytes += arena->heap_bytes;
    totals_add(&result->totals, &arena->totals);
    if (number == 0) return;
    result->non_main_arena_bytes += arena->heap_bytes;
    result->non_main_free_bytes += arena->totals.free_bytes + arena->totals.top_bytes;
}

enum walk_reason heaps_walk(struct process_memory *process, struct range *brk, struct arenas *arenas, struct walk_result *result) {
    enum walk_reason reason = WALK_OK;
    bool has_brk = brk->start < brk->end;
    memset(figures, 0, (arenas->arena_count + 1) * sizeof figures[0]);
    memset(tops, 0, (arenas->arena_count + 1) * sizeof tops[0]);
    if (has_brk) reason = walk_brk(process, brk, result);
    for (size_t i = 0; i < arenas->heap_count && reason == WALK_OK; i++) {
        const struct arena *arena = &arenas->arenas[arenas_index(arenas, arenas->heaps[i].arena_address)];
        reason = walk_heap(process, &arenas->heaps[i].region, arena->number, result);
    }
    if (reason != WALK_OK) return reason;
    for (size_t number = has_brk ? 0 : 1; number <= arenas->arena_count; number++) {
        /* No top: the arena went on to a heap that was born after the maps were read. */
        if (number > 0 && tops[number] != 1) return WALK_CHANGED;
        add_arena(result, number);
    }
    result->arena_figures = figures;
    result->arena_figures_count = arenas->arena_count + 1;
    return WALK_OK;
}
