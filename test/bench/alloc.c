/* Four programs that do little but allocate, after mimalloc-bench's: `alloc-bench <larson|scratch|sizes|burst> <ms>` prints
 * the allocations and frees a second that it came to, and the CPU that one took. It leaves what is preloaded, and comparing, to bench/native/. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "latency.h"

#define THREADS 2
#define OPERATIONS_PER_CHECK 1024
/* Slots of one connection of larson's server, and how often it is handed to the other thread. */
#define LARSON_SLOTS 1000
#define LARSON_HANDOVER 50000
#define SIZES_SLOTS 100000
#define BURST_BLOCKS 100000

struct worker {
    pthread_t thread;
    uint32_t random_state;
    uint64_t operations;
};

static uint64_t end_ns;
static void *(*_Atomic waiting_slots)[LARSON_SLOTS];

static uint32_t next_random(struct worker *worker) {
    worker->random_state = worker->random_state * 1664525u + 1013904223u;
    return worker->random_state >> 8;
}

static bool is_over(void) { return now_ns() >= end_ns; }

static void *allocate(size_t bytes) {
    char *block = malloc(bytes);
    if (block == NULL) exit(5);
    block[0] = 'x';
    block[bytes - 1] = 'x';
    return block;
}

/* A server whose connections wander between threads: what one allocated, the other frees. */
static void *larson(void *argument) {
    struct worker *worker = argument;
    void *(*slots)[LARSON_SLOTS] = calloc(1, sizeof *slots);
    while (!is_over()) {
        for (unsigned i = 0; i < LARSON_HANDOVER; i++) {
            void **slot = &(*slots)[next_random(worker) % LARSON_SLOTS];
            free(*slot);
            *slot = allocate(10 + next_random(worker) % 490);
        }
        worker->operations += 2 * LARSON_HANDOVER;
        void *(*other)[LARSON_SLOTS] = atomic_exchange(&waiting_slots, slots);
        slots = other != NULL ? other : calloc(1, sizeof *slots);
    }
    return NULL;
}

/* Threads that each hold one small block and write to it: slow when two of them share a cache line. */
static void *scratch(void *argument) {
    struct worker *worker = argument;
    while (!is_over()) {
        for (unsigned i = 0; i < OPERATIONS_PER_CHECK; i++) {
            volatile char *block = allocate(8);
            for (unsigned turn = 0; turn < 64; turn++) block[turn % 8]++;
            free((void *)block);
        }
        worker->operations += 2 * OPERATIONS_PER_CHECK;
    }
    return NULL;
}

/* Sizes from 16 bytes to 4 KiB, every power of two as likely as the next, in a random order. */
static void *sizes(void *argument) {
    struct worker *worker = argument;
    void **slots = calloc(SIZES_SLOTS, sizeof *slots);
    while (!is_over()) {
        for (unsigned i = 0; i < OPERATIONS_PER_CHECK; i++) {
            void **slot = &slots[next_random(worker) % SIZES_SLOTS];
            size_t power = 16u << next_random(worker) % 8;
            free(*slot);
            *slot = allocate(power + next_random(worker) % power);
        }
        worker->operations += 2 * OPERATIONS_PER_CHECK;
    }
    return NULL;
}

/* A request that builds a lot and then drops it all. */
static void *burst(void *argument) {
    struct worker *worker = argument;
    void **blocks = calloc(BURST_BLOCKS, sizeof *blocks);
    while (!is_over()) {
        for (unsigned i = 0; i < BURST_BLOCKS; i++) blocks[i] = allocate(24 + next_random(worker) % 232);
        for (unsigned i = 0; i < BURST_BLOCKS; i++) free(blocks[i]);
        worker->operations += 2 * BURST_BLOCKS;
    }
    return NULL;
}

static const struct {
    const char *name;
    void *(*run)(void *);
    unsigned threads;
} programs[] = {{"larson", larson, THREADS}, {"scratch", scratch, THREADS}, {"sizes", sizes, 1}, {"burst", burst, 1}};

int main(int argument_count, char **arguments) {
    for (size_t i = 0; argument_count == 3 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(programs[i].name, arguments[1]) != 0) continue;
        static struct worker workers[THREADS];
        uint64_t start = now_ns(), operations = 0;
        end_ns = start + strtoul(arguments[2], NULL, 10) * 1000000;
        for (unsigned t = 0; t < programs[i].threads; t++) {
            workers[t].random_state = t + 1;
            if (pthread_create(&workers[t].thread, NULL, programs[i].run, &workers[t]) != 0) return 3;
        }
        for (unsigned t = 0; t < programs[i].threads; t++) {
            pthread_join(workers[t].thread, NULL);
            operations += workers[t].operations;
        }
        struct timespec cpu; /* Of all threads, the preloaded library's too. */
        double took_ns = (double)(now_ns() - start);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        double cpu_us = (double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3;
        printf("operations_per_s=%.0f cpu_us=%.6f\n", (double)operations * 1e9 / took_ns, cpu_us / (double)operations);
        return 0;
    }
    fputs("usage: alloc-bench <larson|scratch|sizes|burst> <ms>\n", stderr);
    return 2;
}
