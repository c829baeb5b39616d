/* Processes that lie about their heap, or make it as costly to walk as they can: `hostile <kind>`.
 * It leaves what the walker may say of each to hostile.test.ts; memory it damages it does not use again. */
#include "harness.h"

#include <pthread.h>
#include <sys/mman.h>

#define HEAP_BYTES ((size_t)64 << 20)
#define BLOCK_COUNT 20000
#define LAYOUT_BINS 0x70
#define LAYOUT_NEXT 0x870
#define LAYOUT_SYSTEM_MEM 0x888
#define HEAP_INFO_BYTES 0x30

static char *blocks[BLOCK_COUNT];

static void fill(size_t bytes) {
    for (size_t i = 0; i < BLOCK_COUNT; i++) memset(blocks[i] = malloc(bytes), 'x', bytes);
}

/* The smallest chunks there are: the most headers for their bytes. */
static void crawl(void) {
    for (size_t bytes = 0; bytes < (size_t)256 << 20; bytes += 32) *(volatile char *)malloc(24) = 'x';
}

/* Writes sizes over headers for as long as it lives: right ones, ones that lead astray, and ones that lead nowhere. */
static void *rewrite(void *unused) {
    uint32_t random = 3;
    for (;;) {
        uint64_t *size_word = (uint64_t *)(blocks[next_random(&random) % BLOCK_COUNT] - 8);
        uint32_t roll = next_random(&random) % 4;
        uint64_t word = roll == 0 ? 32 : roll == 1 ? (uint64_t)next_random(&random) << 4 : roll == 2 ? next_random(&random) : 1120;
        *(volatile uint64_t *)size_word = word | 1;
    }
    return unused;
}

static void start_rewriting(void) {
    pthread_t thread;
    fill(1100);
    if (pthread_create(&thread, NULL, rewrite, NULL) != 0) exit(3);
}

static void put(char *at, uint64_t word) { memcpy(at, &word, sizeof word); }

/* What glibc 2.35 to 2.42 has at the start of a thread arena's first heap. */
static void build_arena(char *heap, char *next_heap) {
    char *state = heap + HEAP_INFO_BYTES;
    put(heap, (uint64_t)state);
    put(heap + 16, 132 << 10);
    put(heap + 24, 132 << 10);
    for (size_t bin = 0; bin < 127; bin++) {
        put(state + LAYOUT_BINS + 16 * bin, (uint64_t)(state + LAYOUT_BINS + 16 * bin - 16));
        put(state + LAYOUT_BINS + 16 * bin + 8, (uint64_t)(state + LAYOUT_BINS + 16 * bin - 16));
    }
    put(state + LAYOUT_BINS - 16, (uint64_t)(heap + 0x1000));
    put(state + LAYOUT_NEXT, (uint64_t)(next_heap + HEAP_INFO_BYTES));
    put(state + LAYOUT_SYSTEM_MEM, 132 << 10);
}

/* Arenas in a ring of their own that main_arena is not part of. */
static void build_arenas(size_t count) {
    char *all = mmap(NULL, (count + 1) * HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) exit(4);
    char *first = (char *)(((uintptr_t)all + HEAP_BYTES - 1) & ~(HEAP_BYTES - 1));
    for (size_t i = 0; i < count; i++) build_arena(first + i * HEAP_BYTES, first + (i + 1) % count * HEAP_BYTES);
}

/* Heaps that all say they follow the first one. */
static void build_heaps(size_t count) {
    char *all = mmap(NULL, (count + 1) * HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) exit(4);
    char *first = (char *)(((uintptr_t)all + HEAP_BYTES - 1) & ~(HEAP_BYTES - 1));
    build_arena(first, first);
    for (size_t i = 1; i < count; i++) {
        put(first + i * HEAP_BYTES, (uint64_t)(first + HEAP_INFO_BYTES));
        put(first + i * HEAP_BYTES + 8, (uint64_t)first);
        put(first + i * HEAP_BYTES + 16, 132 << 10);
        put(first + i * HEAP_BYTES + 24, 132 << 10);
    }
}

/* As many places for a thread arena as there is address space, and nothing in them. */
static void reserve_much(void) {
    fill(1100);
    char *all = MAP_FAILED;
    for (size_t bytes = (size_t)1 << 46; all == MAP_FAILED && bytes > 0; bytes /= 2) {
        all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
}

/* Neighbours with other rights, so that the kernel cannot merge them; each begins as an mmapped chunk does. */
static void map_much(size_t count) {
    fill(1100);
    char *all = mmap(NULL, count * 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) exit(4);
    for (size_t i = 0; i < count; i++) {
        put(all + i * 8192 + 8, 4096 | 2);
        if (mprotect(all + i * 8192 + 4096, 4096, PROT_NONE) != 0) break;
    }
}

/* Chunks that point to themselves, and to each other, in a fastbin. */
static void bend_fastbin(void) {
    fill(40);
    for (int i = 0; i < 1000; i++) free(blocks[i]);
    uint64_t at = (uint64_t)blocks[500];
    *(volatile uint64_t *)blocks[500] = at >> 12 ^ ((uint64_t)blocks[700] - 16);
    at = (uint64_t)blocks[700];
    *(volatile uint64_t *)blocks[700] = at >> 12 ^ ((uint64_t)blocks[500] - 16);
    at = (uint64_t)blocks[999]; /* The head of the list. */
    *(volatile uint64_t *)blocks[999] = at >> 12 ^ ((uint64_t)blocks[500] - 16);
}

/* Blocks that look like a thread's cache with one chunk in it. */
static void pretend_caches(void) {
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        char *fake = calloc(1, 640);
        fake[2 * 7] = 1;
        put(fake + 128 + 8 * 7, (uint64_t)malloc(136));
    }
}

/* The marker that the test looks for in the walker: in every block, where mappings begin, and where an arena would. */
static void mark(const char *marker) {
    size_t length = strlen(marker);
    fill(1100);
    char *all = mmap(NULL, 3 * HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) exit(4);
    char *aligned = (char *)(((uintptr_t)all + HEAP_BYTES - 1) & ~(HEAP_BYTES - 1));
    char *places[] = {all, aligned, aligned + HEAP_BYTES};
    for (size_t place = 0; place < 3; place++) {
        for (size_t at = 0; at + length <= 1000; at += length) memcpy(places[place] + at, marker, length);
    }
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        for (size_t at = 0; at + length <= 1100; at += length) memcpy(blocks[i] + at, marker, length);
    }
}

int main(int argument_count, char **arguments) {
    if (argument_count < 2) return 2;
    const char *kind = arguments[1];
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    if (strcmp(kind, "crawl") == 0) crawl();
    if (strcmp(kind, "rewrite") == 0) start_rewriting();
    if (strcmp(kind, "arenas") == 0) build_arenas(1000);
    if (strcmp(kind, "more_arenas") == 0) build_arenas(3000);
    if (strcmp(kind, "heaps") == 0) build_heaps(5000);
    if (strcmp(kind, "more_heaps") == 0) build_heaps(9000);
    if (strcmp(kind, "reserve") == 0) reserve_much();
    if (strcmp(kind, "mappings") == 0) map_much(32000);
    if (strcmp(kind, "fastbin") == 0) bend_fastbin();
    if (strcmp(kind, "caches") == 0) pretend_caches();
    if (strcmp(kind, "top_pad") == 0) {
        mallopt(M_TOP_PAD, 1 << 30);
        free(malloc(1000));
    }
    if (strcmp(kind, "marked") == 0) mark(arguments[2]);
    SAY("ready=1\n");
    for (char command[32]; read_command(command, sizeof command);) continue;
    return 0;
}
