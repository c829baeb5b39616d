/* The two clocks of a walk, the deadline on both, and the pause between reads.
 * It leaves what to do when the budget is used up to those who read. */
#ifndef TIDEMARK_CLOCK_H
#define TIDEMARK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock) {
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
static inline uint64_t thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

/* When a walk must end, on either clock. */
struct deadline {
    uint64_t cpu_ns; /* Of thread_cpu_ns. */
    uint64_t monotonic_ns;
};

static inline bool deadline_passed(const struct deadline *deadline) {
    return thread_cpu_ns() >= deadline->cpu_ns || monotonic_ns() >= deadline->monotonic_ns;
}

static inline void pause_ns(uint64_t ns) {
    struct timespec pause = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    nanosleep(&pause, NULL);
}

#endif
