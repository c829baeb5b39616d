/* What libtidemark-profile.so adds to malloc and free: those of this process against those of the library named by the argument,
 * in short turns within one process, so that a noisy machine is noisy for both; for a pair at once, and for 1,000 blocks of many
 * sizes that are written to. It leaves preloading to who starts it: LD_PRELOAD=libtidemark-profile.so profile-bench libc.so.6 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 1001
#define PAIRS_PER_ROUND 20000
#define BLOCKS 1000

struct functions {
    void *(*volatile allocate)(size_t);
    void (*volatile release)(void *);
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Through pointers for both, as a call into a shared library is. */
static double pair_ns(const struct functions *functions) {
    double start = now_ns();
    for (int i = 0; i < PAIRS_PER_ROUND; i++) functions->release(functions->allocate(64));
    return (now_ns() - start) / PAIRS_PER_ROUND;
}

/* As a request is served: some hundred KB, each block written to, then all given back in another order. */
static double blocks_ns(const struct functions *functions) {
    static void *blocks[BLOCKS];
    double start = now_ns();
    for (int round = 0; round < PAIRS_PER_ROUND / BLOCKS; round++) {
        for (uint32_t i = 0; i < BLOCKS; i++) {
            size_t bytes = 16 + i * 2654435761u % 1000;
            blocks[i] = functions->allocate(bytes);
            memset(blocks[i], 1, bytes);
        }
        for (uint32_t i = 0; i < BLOCKS; i++) functions->release(blocks[i * 7 % BLOCKS]);
    }
    return (now_ns() - start) / PAIRS_PER_ROUND;
}

static int compare(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static void measure(const char *name, double (*time)(const struct functions *), const struct functions *plain,
                    const struct functions *wrapped) {
    static double plain_ns[ROUNDS], wrapped_ns[ROUNDS], cost_ns[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        plain_ns[round] = time(plain);
        wrapped_ns[round] = time(wrapped);
        cost_ns[round] = wrapped_ns[round] - plain_ns[round];
    }
    printf("%s_plain_ns=%.3f %s_wrapped_ns=%.3f %s_cost_ns=%.3f ", name, median(plain_ns), name, median(wrapped_ns), name, median(cost_ns));
}

int main(int count, char **arguments) {
    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) : NULL;
    struct functions wrapped = {malloc, free}, plain = {NULL, NULL};
    if (library != NULL) {
        plain.allocate = (void *(*)(size_t))dlsym(library, "malloc");
        plain.release = (void (*)(void *))dlsym(library, "free");
    }
    if (plain.allocate == NULL || plain.release == NULL) {
        fprintf(stderr, "usage: profile-bench <library that is loaded and has malloc>\n");
        return 2;
    }
    measure("pair", pair_ns, &plain, &wrapped);
    measure("blocks", blocks_ns, &plain, &wrapped);
    printf("\n");
    return 0;
}
