/* Carries the walk of one heap through torn reads: checkpoints at every block, back up and read again, or give up.
 * It leaves the headers themselves to chunks.c. */
#include "chain.h"

/* At 64 KiB a block the ring goes back half a mebibyte, far beyond what one malloc or free rewrites. */
#define CHECKPOINT_COUNT 8
/* Most torn reads are mended by the first try. The last tries begin at the start of the heap. */
#define ATTEMPTS_AT_ONE_SPOT 16
#define ATTEMPTS_FROM_THE_START 2
/* From this try on, sizes that disagree are taken as they are: in a small heap that two threads use at full speed, hardly
 * any block is copied in one state. */
#define ATTEMPTS_BEFORE_TOLERANCE 3
/* More than one chunk in this many taken so, and the figures would no longer be good to 1 %. */
#define CHUNKS_PER_TORN_MIN 200
#define TORN_ALWAYS_ALLOWED 2
/* A heap that breaks under us this often changes too fast to be worth the CPU. */
#define ATTEMPTS_IN_ONE_HEAP 200
/* The same bytes at the same place this many times, ever longer apart, are no race. The waits double (settle in
 * process_memory.c) to some 25 ms in all: a thread that was descheduled within malloc is mostly back by then. */
#define SAME_FAILURES_MAX 8

struct retry {
    struct chain checkpoints[CHECKPOINT_COUNT];
    unsigned newest; /* Checkpoints [oldest, newest) exist; number n lives in slot n % CHECKPOINT_COUNT. */
    unsigned oldest;
    unsigned attempts;
    unsigned attempts_here;
    unsigned same_failures;
    uint64_t resumed_at; /* The chunk that was last read again together with what follows it. */
    uint64_t furthest;
    uint64_t failed_at;
    struct chain_event failure;
};

static void take_checkpoint(struct retry *retry, const struct chain *chain) {
    retry->checkpoints[retry->newest++ % CHECKPOINT_COUNT] = *chain;
    if (retry->newest - retry->oldest > CHECKPOINT_COUNT) retry->oldest++;
}

/* Goes back 2 blocks, then one more each time, because the newest checkpoint may hold the very chunk that has changed.
 * Goes to the start of the heap when the ring does not reach. */
static enum access back_up(struct retry *retry, struct chain *chain, struct memory *memory, const struct heap_region *region,
                           const struct heap_totals *totals) {
    enum access access = ACCESS_OK;
    unsigned distance = retry->attempts_here < CHECKPOINT_COUNT ? retry->attempts_here + 1 : CHECKPOINT_COUNT;
    retry->resumed_at = 0;
    if (distance > retry->newest - retry->oldest || retry->attempts_here > ATTEMPTS_AT_ONE_SPOT - ATTEMPTS_FROM_THE_START) {
        retry->newest = retry->oldest;
        access = chain_begin(chain, memory, region, totals);
    } else {
        retry->newest -= distance;
        *chain = retry->checkpoints[retry->newest % CHECKPOINT_COUNT];
    }
    chain->tolerant = retry->attempts_here >= ATTEMPTS_BEFORE_TOLERANCE;
    return access;
}

/* WALK_OK when it is worth trying again; otherwise why not. A page in swap gets the same tries, because a page that is
 * being migrated looks the same in pagemap. */
static enum walk_reason judge(struct retry *retry, const struct chain *chain, struct chain_event failure) {
    bool for_good = failure.kind == CHAIN_BLOCKED && failure.access != ACCESS_ABSENT && failure.access != ACCESS_SWAPPED;
    if (for_good) return reason_of_access(failure.access);
    bool same = retry->failed_at == chain->position && retry->failure.kind == failure.kind &&
                retry->failure.access == failure.access && retry->failure.size_word == failure.size_word;
    retry->same_failures = same ? retry->same_failures + 1 : 1;
    if (chain->position > retry->furthest) {
        retry->furthest = chain->position;
        retry->attempts_here = 0;
    }
    retry->failed_at = chain->position;
    retry->failure = failure;
    retry->attempts++;
    retry->attempts_here++;
    if (retry->same_failures >= SAME_FAILURES_MAX) {
        return failure.kind == CHAIN_BLOCKED ? reason_of_access(failure.access) : WALK_LAYOUT;
    }
    if (retry->attempts_here >= ATTEMPTS_AT_ONE_SPOT || retry->attempts >= ATTEMPTS_IN_ONE_HEAP) return WALK_CHANGED;
    return WALK_OK;
}

/* Most torn reads would happen between two blocks, because the size of the last chunk of one and the answer whether it is
 * free, in the next one, are read at different times. So a small last chunk is read again together with what follows. */
static void step_back(struct retry *retry, struct chain *chain, const struct memory *memory) {
    uint64_t chunk = chain->position - chain->previous_bytes;
    if (chain->previous_bytes == 0 || chain->previous_bytes > memory->overlap_bytes_max || chunk == retry->resumed_at) return;
    retry->resumed_at = chunk;
    chain->position = chunk;
    chain->previous_bytes = 0;
}

static struct chain_event next_block(struct retry *retry, struct chain *chain, struct memory *memory,
                                     struct heap_region *region) {
    enum access access = ACCESS_ABSENT;
    step_back(retry, chain, memory);
    take_checkpoint(retry, chain);
    if (chain->position < region->end) access = memory->load(memory, chain->position, region->end);
    if (access != ACCESS_OK) return (struct chain_event){.kind = CHAIN_BLOCKED, .access = access};
    return chain_run_block(chain, memory, region);
}

struct chunks_outcome chunks_walk(struct memory *memory, struct heap_region *region, struct heap_totals *totals) {
    struct retry retry = {0};
    struct chain chain;
    struct chunks_outcome outcome = {.reason = WALK_OK};
    memory_drop_block(memory);
    struct chain_event last = {.kind = CHAIN_GOES_ON, .access = chain_begin(&chain, memory, region, totals)};
    if (last.access != ACCESS_OK) last.kind = CHAIN_BLOCKED;
    while (last.kind != CHAIN_ENDS_IN_TOP && last.kind != CHAIN_ENDS_IN_FENCE) {
        if (last.kind == CHAIN_GOES_ON) {
            last = next_block(&retry, &chain, memory, region);
            continue;
        }
        outcome.reason = judge(&retry, &chain, last);
        if (outcome.reason != WALK_OK) break;
        if (retry.same_failures > 1) memory->settle(memory, retry.same_failures - 1);
        memory_drop_block(memory);
        region->end = memory->region_end(memory, region);
        last = (struct chain_event){.kind = CHAIN_GOES_ON, .access = back_up(&retry, &chain, memory, region, totals)};
        if (last.access != ACCESS_OK) last.kind = CHAIN_BLOCKED;
    }
    uint64_t torn_allowed = TORN_ALWAYS_ALLOWED + (chain.totals.free_chunk_count - totals->free_chunk_count) / CHUNKS_PER_TORN_MIN;
    if (outcome.reason == WALK_OK && chain.torn_count > torn_allowed) outcome.reason = WALK_CHANGED;
    outcome.ends_in_top = last.kind == CHAIN_ENDS_IN_TOP;
    uint64_t reached = outcome.reason != WALK_OK && retry.furthest > chain.position ? retry.furthest : chain.position;
    outcome.walked_bytes = reached - region->start;
    if (outcome.reason == WALK_OK) *totals = chain.totals;
    return outcome;
}
