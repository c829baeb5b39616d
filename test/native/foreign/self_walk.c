/* Walks its own heaps with the walker's parser and compares with mallinfo: for page sizes that only an emulator offers.
 * It leaves other processes to the walker itself; prints the page size and ok, and exits 0, when all agrees. */
#include "../harness.h"

#include <pthread.h>

#include "../../../native/walker/arena_layout.h"
#include "../../../native/walker/chunks.h"
#include "../../../native/walker/maps.h"

#define BLOCK_COUNT 3000
#define BLOCK_BYTES (64 << 10)

static pthread_barrier_t built;
static void *thread_blocks[BLOCK_COUNT];
static void *main_blocks[BLOCK_COUNT];

static enum access load_self(struct memory *memory, uint64_t address, uint64_t limit) {
    memory->block_start = align_down(address, memory->page_bytes);
    memory->block = (const unsigned char *)(uintptr_t)memory->block_start;
    memory->block_bytes = limit - memory->block_start < BLOCK_BYTES ? limit - memory->block_start : BLOCK_BYTES;
    return ACCESS_OK;
}

static enum access all_resident(struct memory *memory, uint64_t from, uint64_t to, uint64_t *bytes) {
    (void)memory;
    *bytes += to - from;
    return ACCESS_OK;
}

static uint64_t same_end(struct memory *memory, const struct heap_region *region) {
    (void)memory;
    return region->end;
}

static void no_wait(struct memory *memory, unsigned attempt) { (void)memory, (void)attempt; }

static void build(void **blocks, uint32_t random) {
    for (int i = 0; i < BLOCK_COUNT; i++) blocks[i] = malloc(1100 + next_random(&random) % (i % 16 == 0 ? 90000 : 3000));
    for (int i = 0; i < BLOCK_COUNT; i += 2) free(blocks[i]);
}

static void *run_thread(void *argument) {
    build(thread_blocks, 2);
    pthread_barrier_wait(&built);
    pause(); /* A thread that ended would give its arena away. */
    return argument;
}

/* Adds the heaps of the thread's arena, newest first, as heap_info links them. Their number, or 0 when one is not as it should be. */
static unsigned walk_thread_heaps(struct memory *memory, struct heap_totals *totals, uint64_t *bytes) {
    uint64_t start = align_down((uint64_t)(uintptr_t)thread_blocks[BLOCK_COUNT - 1], ARENA_HEAP_BYTES_MAX);
    unsigned count = 0;
    while (start != 0) {
        const uint64_t *heap_info = (const uint64_t *)(uintptr_t)start;
        uint64_t arena = heap_info[0];
        uint64_t first_heap = align_down(arena, ARENA_HEAP_BYTES_MAX);
        const struct arena_layout *layout =
            arena_layout_recognise((const unsigned char *)(uintptr_t)arena, arena, arena - first_heap);
        if (layout == NULL || heap_info[2] % memory->page_bytes != 0 || heap_info[3] % memory->page_bytes != 0) return 0;
        struct heap_region region = {.start = start, .end = start + heap_info[2], .main_arena = false};
        region.first_chunk = start == first_heap ? align_up(arena + layout->state_bytes, 16) : start + layout->heap_info_bytes;
        if (chunks_walk(memory, &region, totals).reason != WALK_OK) return 0;
        *bytes += region.end - region.start;
        start = heap_info[1];
        count++;
    }
    return count;
}

int main(void) {
    struct memory memory = {.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), .overlap_bytes_max = (uint64_t)sysconf(_SC_PAGESIZE),
        .load = load_self, .count_resident = all_resident, .region_end = same_end, .settle = no_wait};
    struct heap_totals totals = {0};
    uint64_t brk_start = (uint64_t)(uintptr_t)sbrk(0);
    pthread_t thread;
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    pthread_barrier_init(&built, NULL, 2);
    if (pthread_create(&thread, NULL, run_thread, NULL) != 0) return 3;
    pthread_barrier_wait(&built);
    build(main_blocks, 1);
    struct MALLINFO info = MALLINFO();
    struct heap_region brk = {.start = brk_start, .first_chunk = align_up(brk_start, 16), .main_arena = true};
    brk.end = (uint64_t)(uintptr_t)sbrk(0);
    uint64_t bytes = brk.end - brk.start;
    enum walk_reason reason = chunks_walk(&memory, &brk, &totals).reason;
    unsigned heaps = walk_thread_heaps(&memory, &totals, &bytes);
    uint64_t used = totals.live_bytes + totals.metadata_bytes;
    uint64_t free_bytes = totals.free_bytes + totals.top_bytes;
    int agrees = bytes == MALLINFO_FIELD(arena) && used == MALLINFO_FIELD(uordblks) + MALLINFO_FIELD(fsmblks) &&
                 free_bytes == MALLINFO_FIELD(fordblks) - MALLINFO_FIELD(fsmblks) &&
                 totals.free_chunk_count == MALLINFO_FIELD(ordblks) - 2 && totals.whole_free_page_bytes % memory.page_bytes == 0;
    SAY("page=%lu heaps=%u whole_free=%lu ", (unsigned long)memory.page_bytes, heaps, (unsigned long)totals.whole_free_page_bytes);
    if (reason != WALK_OK || heaps == 0 || totals.whole_free_page_bytes == 0) SAY("reason=%s\n", walk_reason_word(reason));
    else SAY("%s\n", agrees ? "ok" : "differs");
    return reason != WALK_OK || heaps == 0 || !agrees;
}
