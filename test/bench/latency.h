/* A histogram of durations, kept without allocating: what a program under measurement writes its own latencies into.
 * It leaves what is timed to the programs. */
#ifndef TIDEMARK_BENCH_LATENCY_H
#define TIDEMARK_BENCH_LATENCY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* 16 steps an octave: a percentile is good to 6 %. */
#define LATENCY_STEPS 16
#define LATENCY_BUCKETS (64 * LATENCY_STEPS)

/* No switch to another program and back is shorter. */
#define LATENCY_SWITCH_NS 3000

struct latencies {
    uint64_t worst_ns;
    /* Of those during which the kernel did not give our CPU to somebody else: what is left is our own doing, waiting for
     * locks included, on however busy a machine. */
    uint64_t worst_undisturbed_ns;
    long switches;
    uint64_t count;
    uint64_t buckets[LATENCY_BUCKETS];
};

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Involuntary ones of this thread; waiting for a lock is voluntary. man 2 getrusage. */
static inline long latency_switches(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

static inline void latencies_clear(struct latencies *latencies) {
    memset(latencies, 0, sizeof *latencies);
    latencies->switches = latency_switches();
}

static inline void latencies_add(struct latencies *latencies, uint64_t ns) {
    unsigned bucket = (unsigned)ns;
    if (ns >= LATENCY_STEPS) {
        unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 4;
        bucket = (shift + 1) * LATENCY_STEPS + (unsigned)(ns >> shift) - LATENCY_STEPS;
    }
    if (ns > latencies->worst_ns) latencies->worst_ns = ns;
    if (ns >= LATENCY_SWITCH_NS) {
        long switches = latency_switches();
        bool undisturbed = switches == latencies->switches;
        if (undisturbed && ns > latencies->worst_undisturbed_ns) latencies->worst_undisturbed_ns = ns;
        latencies->switches = switches;
    }
    latencies->buckets[bucket]++;
    latencies->count++;
}

/* The smallest latency of a bucket. */
static inline uint64_t latency_bucket_ns(unsigned bucket) {
    if (bucket < LATENCY_STEPS) return bucket;
    return (uint64_t)(bucket % LATENCY_STEPS + LATENCY_STEPS) << (bucket / LATENCY_STEPS - 1);
}

static inline uint64_t latencies_p999_ns(const struct latencies *latencies) {
    uint64_t above = latencies->count / 1000;
    for (unsigned bucket = LATENCY_BUCKETS - 1; bucket > 0; bucket--) {
        if (latencies->buckets[bucket] > above) return latency_bucket_ns(bucket);
        above -= latencies->buckets[bucket];
    }
    return 0;
}

static inline void latencies_print(const struct latencies *latencies, uint64_t took_ns) {
    printf("worst_ns=%llu worst_undisturbed_ns=%llu p999_ns=%llu count=%llu took_us=%llu\n",
        (unsigned long long)latencies->worst_ns, (unsigned long long)latencies->worst_undisturbed_ns,
        (unsigned long long)latencies_p999_ns(latencies), (unsigned long long)latencies->count,
        (unsigned long long)(took_ns / 1000));
}

#endif
