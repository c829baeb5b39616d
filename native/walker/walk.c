/* One measurement of one process from start to end: who it is, its maps, its heaps, and whether it is still the same.
 * It leaves output to print.c and each single step to the files it calls. */
#include "walk.h"

#include "clock.h"
#include "fastbins.h"
#include "heaps.h"
#include "identity.h"
#include "libc_data.h"
#include "tcache.h"

/* Heaps may be born or given back between reading the maps and reading the heaps; then all is looked at again. */
#define SCANS_MAX 3
#define CPU_US_MAX UINT64_C(60000000)
#define WALL_MS_MAX UINT64_C(600000)

/* About 2 MiB that cost memory only as far as they are filled. Static, so that no walk can fail for want of memory. */
static struct maps maps;
static struct arenas arenas;
static struct process_memory process;
static struct tcache_candidates tcache;

/* What is known without a look at a single chunk. */
static enum walk_reason survey(struct range *brk, struct mmapped *mmapped, struct walk_result *result) {
    enum walk_reason reason = arenas_find(&process, &maps, &arenas);
    if (reason == WALK_OK) reason = libc_data_read(&process, &maps, *brk, &arenas, mmapped);
    /* Before the heaps, because mappings of single chunks come and go much faster. */
    if (reason == WALK_OK && !mmapped->complete) reason = reason_of_access(mmapped_count(&process, &maps, mmapped));
    if (reason != WALK_OK) return reason;
    if (brk->start == brk->end && arenas.heap_count == 0) return WALK_NO_HEAP;
    /* A libc is there, and its main arena was neither alone nor led to: then it leads to arenas that we do not know. */
    if (maps.data_is_libc && !arenas.main.found) return WALK_LAYOUT;
    /* The main arena holds memory that is not brk memory: nothing leads to it. */
    if (arenas.main.noncontiguous || (brk->start == brk->end && arenas.main.held_bytes != 0)) return WALK_LAYOUT;
    result->heap_bytes_expected = brk->end - brk->start;
    for (size_t i = 0; i < arenas.heap_count; i++) {
        result->heap_bytes_expected += arenas.heaps[i].region.end - arenas.heaps[i].region.start;
    }
    return WALK_OK;
}

/* glibc knows how much it took by brk. What we walked must be that, or something between then and now. */
static enum walk_reason check_main(struct range brk) {
    uint64_t walked = brk.end - brk.start;
    uint64_t before = arenas.main.held_bytes;
    if (!arenas.main.found || walked == before) return WALK_OK;
    uint64_t now = 0;
    uint64_t address = arenas.main.address + arenas.layout->system_mem;
    enum access access = process_memory_copy(&process, address, (unsigned char *)&now, sizeof now);
    if (access != ACCESS_OK) return reason_of_access(access);
    uint64_t low = before < now ? before : now;
    uint64_t high = before < now ? now : before;
    /* malloc begins at the first page boundary where brk did not. */
    if (walked + process.memory.page_bytes > low && walked < high + process.memory.page_bytes) return WALK_OK;
    return before == now ? WALK_LAYOUT : WALK_CHANGED;
}

static enum walk_reason scan(const struct identity *identity, struct walk_result *result) {
    struct mmapped mmapped;
    *result = (struct walk_result){.pid = result->pid}; /* Nothing of an earlier scan may stay. */
    tcache.count = 0;
    tcache.too_many = tcache.empty_seen = false;
    enum walk_reason reason = maps_read(result->pid, &maps);
    result->vma_count_known = reason == WALK_OK || reason == WALK_TOO_MANY_MAPS;
    result->vma_count = maps.vma_count;
    if (reason != WALK_OK) return reason;
    struct range brk = heaps_brk_range(&maps, identity->start_brk);
    reason = survey(&brk, &mmapped, result);
    if (reason == WALK_OK) reason = heaps_walk(&process, &brk, &arenas, result);
    if (reason == WALK_OK) reason = check_main(brk);
    if (reason != WALK_OK) return reason;
    result->tcache = tcache_count(&process, &tcache);
    result->fastbins = fastbins_count(&process, &arenas, brk, result->heap_bytes);
    result->mmapped_known = mmapped.complete;
    result->mmapped_bytes = mmapped.bytes;
    result->mmapped_count = mmapped.count;
    return WALK_OK;
}

/* A process that called exec keeps pid and start time, but its old address space is gone and its brk heap moved. */
static bool still_same(const struct identity *before, pid_t pid) {
    struct identity after;
    return identity_read(pid, &after) == WALK_OK && after.start_ticks == before->start_ticks &&
           after.start_brk == before->start_brk && pagemap_still_there(&process.pagemap) == ACCESS_OK;
}

static enum walk_reason walk_identified(const struct identity *identity, struct deadline deadline, struct walk_result *result) {
    enum walk_reason reason = reason_of_access(process_memory_open(&process, result->pid, deadline));
    process.memory.tcache = &tcache;
    maps.deadline = &process.deadline;
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
