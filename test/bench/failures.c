/* What libtidemark-failures.so adds to a 64-byte malloc and free: the malloc of this process against that of the library named
 * by the argument, in short turns within one process, so that a noisy machine is noisy for both.
 * It leaves preloading to who starts it: LD_PRELOAD=libtidemark-failures.so failures-bench libc.so.6 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 1001
#define PAIRS_PER_ROUND 20000

typedef void *malloc_function(size_t);

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Through a pointer for both, as a call into a shared library is. */
static double pair_ns(malloc_function *volatile allocate) {
    double start = now_ns();
    for (int i = 0; i < PAIRS_PER_ROUND; i++) free(allocate(64));
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

int main(int count, char **arguments) {
    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) : NULL;
    malloc_function *plain = library != NULL ? (malloc_function *)dlsym(library, "malloc") : NULL;
    if (plain == NULL) {
        fprintf(stderr, "usage: failures-bench <library that is loaded and has malloc>\n");
        return 2;
    }
    static double wrapped_ns[ROUNDS], plain_ns[ROUNDS], cost_ns[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        plain_ns[round] = pair_ns(plain);
        wrapped_ns[round] = pair_ns(malloc);
        cost_ns[round] = wrapped_ns[round] - plain_ns[round];
    }
    printf("plain_ns=%.3f wrapped_ns=%.3f cost_ns=%.3f\n", median(plain_ns), median(wrapped_ns), median(cost_ns));
    return 0;
}
