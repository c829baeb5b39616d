/* What measuring a heap costs the program that owns it: `walker-bench <free_chunks>` builds a heap with that many free
 * chunks and times malloc and free in it. It leaves walking it, and comparing, to the driver on standard input. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Blocks that the busy loop holds, so that it goes beyond tcache's 7 blocks a size and needs the arena now and then. */
#define HELD_COUNT 4096
/* 16 steps an octave: a percentile is good to 6 %. */
#define STEPS 16
#define BUCKETS (64 * STEPS)
/* Looking for the end of the measurement costs a clock reading, so not after every pair. */
#define PAIRS_PER_CHECK 64

struct latencies {
    uint64_t worst_ns;
    uint64_t count;
    uint64_t buckets[BUCKETS];
};

static struct latencies latencies;
static void *held[HELD_COUNT];
static uint32_t random_state = 1;
static atomic_bool done;

static uint32_t next_random(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned bucket_of(uint64_t ns) {
    if (ns < STEPS) return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 4;
    return (shift + 1) * STEPS + (unsigned)(ns >> shift) - STEPS;
}

/* The smallest latency of a bucket. */
static uint64_t bucket_ns(unsigned bucket) {
    if (bucket < STEPS) return bucket;
    return (uint64_t)(bucket % STEPS + STEPS) << (bucket / STEPS - 1);
}

static void time_pairs(void) {
    for (unsigned pair = 0; pair < PAIRS_PER_CHECK; pair++) {
        void **slot = &held[next_random() % HELD_COUNT];
        size_t bytes = 64 + next_random() % 193;
        uint64_t start = now_ns();
        free(*slot);
        *slot = malloc(bytes);
        uint64_t took = now_ns() - start;
        *(char *)*slot = 'x';
        if (took > latencies.worst_ns) latencies.worst_ns = took;
        latencies.buckets[bucket_of(took)]++;
        latencies.count++;
    }
}

static uint64_t percentile_999_ns(void) {
    uint64_t above = latencies.count / 1000;
    for (unsigned bucket = BUCKETS - 1; bucket > 0; bucket--) {
        if (latencies.buckets[bucket] > above) return bucket_ns(bucket);
        above -= latencies.buckets[bucket];
    }
    return 0;
}

static void measure(uint64_t duration_ms) {
    memset(&latencies, 0, sizeof latencies);
    for (uint64_t end = now_ns() + duration_ms * 1000000; now_ns() < end;) time_pairs();
    printf("worst_ns=%llu p999_ns=%llu count=%llu\n", (unsigned long long)latencies.worst_ns,
        (unsigned long long)percentile_999_ns(), (unsigned long long)latencies.count);
}

static void *call_mallinfo2(void *took_us) {
    uint64_t start = now_ns();
    struct mallinfo2 info = mallinfo2();
    *(uint64_t *)took_us = (now_ns() - start) / 1000 + (info.arena == 0);
    atomic_store(&done, true);
    return NULL;
}

static void measure_mallinfo2(void) {
    pthread_t thread;
    uint64_t took_us = 0;
    memset(&latencies, 0, sizeof latencies);
    atomic_store(&done, false);
    if (pthread_create(&thread, NULL, call_mallinfo2, &took_us) != 0) exit(3);
    while (!atomic_load(&done)) time_pairs();
    pthread_join(thread, NULL);
    printf("worst_ns=%llu mallinfo2_us=%llu\n", (unsigned long long)latencies.worst_ns, (unsigned long long)took_us);
}

static void say_truth(size_t largest) {
    struct mallinfo2 info = mallinfo2();
    /* ordblks counts the top as well. */
    printf("used=%zu free=%zu free_chunks=%zu largest=%zu arena=%zu mmapped=%zu\n", info.uordblks, info.fordblks,
        info.ordblks - 1, largest, info.arena, info.hblkhd);
}

/* Free chunks of 160 to 416 bytes between live ones: beyond the fastbins, and tcache keeps only 7 of a size. */
static size_t build(size_t free_chunks) {
    size_t largest = 0;
    char **blocks = malloc(2 * free_chunks * sizeof *blocks);
    for (size_t i = 0; i < 2 * free_chunks; i++) {
        blocks[i] = malloc(150 + next_random() % 256);
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
        fputs("usage: walker-bench <free_chunks>\ncommands: measure <ms>, mallinfo2, truth\n", stderr);
        return 2;
    }
    /* stdio would take its buffers from the heap that is measured. */
    static char input[4096], output[4096];
    setvbuf(stdin, input, _IOFBF, sizeof input);
    setvbuf(stdout, output, _IOLBF, sizeof output);
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* The table of build() is mapped and given back, and leaves no hole. */
    size_t largest = build(strtoul(arguments[1], NULL, 10));
    say_truth(largest);
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned long duration_ms;
        if (sscanf(line, "measure %lu", &duration_ms) == 1) measure(duration_ms);
        if (strcmp(line, "mallinfo2\n") == 0) measure_mallinfo2();
        if (strcmp(line, "truth\n") == 0) say_truth(largest);
    }
    return 0;
}
