/* What measuring a heap costs the program that owns it: `walker-bench <free_chunks>` builds a heap with that many free
 * chunks and times malloc, and mmap, in it. It leaves walking it, and comparing, to the driver on standard input. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "latency.h"

/* Blocks that the busy loop holds, so that it goes beyond tcache's 7 blocks a size and needs the arena now and then. */
#define HELD_COUNT 4096
/* Looking for the end of the measurement costs a clock reading, so not after every pair. */
#define PAIRS_PER_CHECK 64
/* What glibc maps for one request above its threshold. */
#define MAPPED_BYTES (256 * 1024)

static struct latencies latencies;
static void *held[HELD_COUNT];
static uint32_t random_state = 1;
static atomic_bool done;
static FILE *nowhere;

static uint32_t next_random(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* What comes between two pairs is timed with the second one: a switch to another program must not fall into a gap. */
static void time_pairs(void) {
    uint64_t start = now_ns();
    for (unsigned pair = 0; pair < PAIRS_PER_CHECK; pair++) {
        void **slot = &held[next_random() % HELD_COUNT];
        size_t bytes = 64 + next_random() % 193;
        free(*slot);
        *slot = malloc(bytes);
        uint64_t end = now_ns();
        *(char *)*slot = 'x';
        latencies_add(&latencies, end - start);
        start = end;
    }
}

/* mmap and munmap both take the lock that process_vm_readv(2) and /proc/pid/smaps_rollup hold for reading. */
static void time_mapping(void) {
    uint64_t start = now_ns();
    char *mapped = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    latencies_add(&latencies, now_ns() - start);
    if (mapped == MAP_FAILED) exit(4);
    *mapped = 'x';
    start = now_ns();
    munmap(mapped, MAPPED_BYTES);
    latencies_add(&latencies, now_ns() - start);
}

static void measure(uint64_t duration_ms, void (*time_some)(void)) {
    latencies_clear(&latencies);
    uint64_t start = now_ns();
    while (now_ns() - start < duration_ms * 1000000) time_some();
    latencies_print(&latencies, now_ns() - start);
}

static void *call_mallinfo2(void *took_ns) {
    uint64_t start = now_ns();
    struct mallinfo2 info = mallinfo2();
    *(uint64_t *)took_ns = now_ns() - start + (info.arena == 0);
    atomic_store(&done, true);
    return NULL;
}

static void *call_malloc_info(void *took_ns) {
    uint64_t start = now_ns();
    if (malloc_info(0, nowhere) != 0) exit(4);
    *(uint64_t *)took_ns = now_ns() - start;
    atomic_store(&done, true);
    return NULL;
}

static void measure_call(void *(*call)(void *)) {
    pthread_t thread;
    uint64_t took_ns = 0;
    latencies_clear(&latencies);
    atomic_store(&done, false);
    if (pthread_create(&thread, NULL, call, &took_ns) != 0) exit(3);
    while (!atomic_load(&done)) time_pairs();
    pthread_join(thread, NULL);
    latencies_print(&latencies, took_ns);
}

/* ordblks counts the top as well, which is neither live nor among the free chunks. */
static void say_truth(size_t largest, size_t live_chunks) {
    struct mallinfo2 info = mallinfo2();
    printf("used=%zu free=%zu free_chunks=%zu live_chunks=%zu largest=%zu arena=%zu mmapped=%zu\n", info.uordblks,
        info.fordblks, info.ordblks - 1, live_chunks, largest, info.arena, info.hblkhd);
}

/* Free chunks of 160 to 288 bytes between live ones: beyond the fastbins, tcache keeps only 7 of a size, and 10 million of
 * them with their live neighbours take 4.5 GB. */
static size_t build(size_t free_chunks) {
    size_t largest = 0;
    char **blocks = malloc(2 * free_chunks * sizeof *blocks);
    for (size_t i = 0; i < 2 * free_chunks; i++) {
        blocks[i] = malloc(150 + next_random() % 128);
        if (blocks[i] == NULL) exit(5);
        *blocks[i] = 'x';
    }
    for (size_t i = 0; i < 2 * free_chunks; i += 2) {
        size_t bytes = malloc_usable_size(blocks[i]) + 8;
        if (bytes > largest) largest = bytes;
        free(blocks[i]);
    }
    free(blocks);
    for (size_t i = 0; i < HELD_COUNT; i++) held[i] = malloc(64 + next_random() % 193);
    return largest;
}

int main(int argument_count, char **arguments) {
    if (argument_count != 2) {
        fputs("usage: walker-bench <free_chunks>\ncommands: measure <ms>, mmap <ms>, mallinfo2, malloc_info\n", stderr);
        return 2;
    }
    /* stdio would take its buffers from the heap that is measured. */
    static char input[4096], output[4096], unread[65536];
    setvbuf(stdin, input, _IOFBF, sizeof input);
    setvbuf(stdout, output, _IOLBF, sizeof output);
    nowhere = fopen("/dev/null", "w");
    if (nowhere == NULL) return 3;
    setvbuf(nowhere, unread, _IOFBF, sizeof unread);
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* The table of build() is mapped and given back, and leaves no hole. */
    size_t free_chunks = strtoul(arguments[1], NULL, 10);
    size_t largest = build(free_chunks);
    say_truth(largest, free_chunks + HELD_COUNT);
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned long duration_ms;
        if (sscanf(line, "measure %lu", &duration_ms) == 1) measure(duration_ms, time_pairs);
        if (sscanf(line, "mmap %lu", &duration_ms) == 1) measure(duration_ms, time_mapping);
        if (strcmp(line, "mallinfo2\n") == 0) measure_call(call_mallinfo2);
        if (strcmp(line, "malloc_info\n") == 0) measure_call(call_malloc_info);
    }
    return 0;
}
