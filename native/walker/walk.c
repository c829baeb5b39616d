/* One measurement of one process from start to end: who it is, its maps, its heaps, and whether it is still the same.
 * It leaves output to print.c and each single step to the files it calls. */
#include "walk.h"

#include <string.h>

#include "arenas.h"
#include "clock.h"
#include "first_chunk.h"
#include "identity.h"
#include "mmapped.h"
#include "process_memory.h"

/* Heaps may be born or given back between reading the maps and reading the heaps; then all is looked at again. */
#define SCANS_MAX 3
#define CPU_US_MAX UINT64_C(60000000)
#define WALL_MS_MAX UINT64_C(600000)
#define MIB (UINT64_C(1) << 20)

/* About 3 MiB that cost memory only as far as they are filled. Static, so that no walk can fail for want of memory. */
static struct maps maps;
static struct arenas arenas;
static struct process_memory process;
static struct {
    uint64_t heap_bytes;
    unsigned tops;
} sums[ARENA_MAX];

static enum walk_reason walk_region(struct heap_region *region, struct walk_result *result, struct chunks_outcome *outcome) {
    *outcome = chunks_walk(&process.memory, region, &result->totals);
    result->walked_bytes += outcome->walked_bytes;
    result->heap_bytes += region->end - region->start;
    return outcome->reason;
}

static void add_arena(struct walk_result *result, uint64_t heap_bytes) {
    result->arena_count++;
    result->arena_count_over_1mib += heap_bytes > MIB;
    if (heap_bytes > result->arena_bytes_max) result->arena_bytes_max = heap_bytes;
}

static enum walk_reason walk_main(const struct identity *identity, struct walk_result *result) {
    struct chunks_outcome outcome;
    /* Without address randomisation [heap] can begin with the end of the program's data, which start_brk leaves out. */
    uint64_t start = identity->start_brk > maps.heap.start ? identity->start_brk : maps.heap.start;
    struct heap_region region = {start, align_up(start, 16), maps.heap.end, true};
    if (region.first_chunk >= region.end) return WALK_NO_HEAP;
    enum walk_reason reason = reason_of_access(first_chunk_find(&process.memory, &region));
    if (reason == WALK_OK) reason = walk_region(&region, result, &outcome);
    add_arena(result, region.end - region.start);
    return reason;
}

static enum walk_reason walk_arenas(struct walk_result *result) {
    uint64_t free_before = result->totals.free_bytes + result->totals.top_bytes;
    memset(sums, 0, arenas.arena_count * sizeof sums[0]);
    for (size_t i = 0; i < arenas.heap_count; i++) {
        struct heap_region *region = &arenas.heaps[i].region;
        size_t arena = arenas_index(&arenas, arenas.heaps[i].arena_address);
        struct chunks_outcome outcome;
        enum walk_reason reason = walk_region(region, result, &outcome);
        if (reason != WALK_OK) return reason;
        sums[arena].heap_bytes += region->end - region->start;
        sums[arena].tops += outcome.ends_in_top;
    }
    for (size_t arena = 0; arena < arenas.arena_count; arena++) {
        /* No top: the arena went on to a heap that was born after the maps were read. */
        if (sums[arena].tops != 1) return WALK_CHANGED;
        add_arena(result, sums[arena].heap_bytes);
        result->non_main_arena_bytes += sums[arena].heap_bytes;
    }
    result->non_main_free_bytes = result->totals.free_bytes + result->totals.top_bytes - free_before;
    return WALK_OK;
}

static enum walk_reason scan(const struct identity *identity, struct walk_result *result) {
    struct mmapped mmapped;
    *result = (struct walk_result){.pid = result->pid}; /* Nothing of an earlier scan may stay. */
    enum walk_reason reason = maps_read(result->pid, &maps);
    result->vma_count_known = reason == WALK_OK || reason == WALK_TOO_MANY_MAPS;
    result->vma_count = maps.vma_count;
    if (reason != WALK_OK) return reason;
    /* First, because mappings of single chunks come and go much faster than heaps. */
    reason = reason_of_access(mmapped_count(&process, &maps, &mmapped));
    if (reason == WALK_OK) reason = arenas_find(&process, &maps, &arenas);
    if (reason != WALK_OK) return reason;
    bool brk_heap = maps.heap.start < maps.heap.end;
    if (!brk_heap && arenas.heap_count == 0) return WALK_NO_HEAP;
    /* The main arena holds memory that is not brk memory: nothing leads to it. */
    if (!brk_heap && arenas.main_held_bytes != 0) return WALK_LAYOUT;
    if (brk_heap) reason = walk_main(identity, result);
    if (reason == WALK_OK) reason = walk_arenas(result);
    result->mmapped_known = mmapped.complete;
    result->mmapped_bytes = mmapped.bytes;
    result->mmapped_count = mmapped.count;
    return reason;
}

/* A process that called exec keeps pid and start time, but its old address space is gone and its brk heap moved. */
static bool still_same(const struct identity *before, pid_t pid) {
    struct identity after;
    return identity_read(pid, &after) == WALK_OK && after.start_ticks == before->start_ticks &&
           after.start_brk == before->start_brk && pagemap_still_there(&process.pagemap) == ACCESS_OK;
}

static enum walk_reason walk_identified(const struct identity *identity, struct deadline deadline, struct walk_result *result) {
    enum walk_reason reason = reason_of_access(process_memory_open(&process, result->pid, deadline));
    if (reason != WALK_OK) return reason;
    for (unsigned scans = 1; scans <= SCANS_MAX; scans++) {
        reason = scan(identity, result);
        if ((reason != WALK_CHANGED && reason != WALK_LAYOUT) || !still_same(identity, result->pid)) break;
    }
    return still_same(identity, result->pid) ? reason : WALK_GONE;
}

void walk_process(pid_t pid, struct walk_limits limits, struct walk_result *result) {
    uint64_t cpu_start_ns = thread_cpu_ns();
    uint64_t start_ns = monotonic_ns();
    struct deadline deadline = {
        .cpu_ns = cpu_start_ns + (limits.cpu_us < CPU_US_MAX ? limits.cpu_us : CPU_US_MAX) * 1000,
        .monotonic_ns = start_ns + (limits.wall_ms < WALL_MS_MAX ? limits.wall_ms : WALL_MS_MAX) * 1000000,
    };
    struct identity identity;
    *result = (struct walk_result){.pid = pid};
    result->reason = identity_read(pid, &identity);
    if (result->reason == WALK_OK) {
        process.pagemap.file = -1;
        result->reason = walk_identified(&identity, deadline, result);
        process_memory_close(&process);
    }
    result->walk_cpu_us = (thread_cpu_ns() - cpu_start_ns) / 1000;
    result->walk_us = (monotonic_ns() - start_ns) / 1000;
}
