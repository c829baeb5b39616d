/* What a preloaded library adds to the start of a program: `spawn-bench <rounds> <program> <preload>...` starts the program
 * once a round with each LD_PRELOAD ("-" is none) and waits for its end. It leaves judging to bench/native/startup.ts. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "latency.h"

#define VARIANTS_MAX 8
#define ROUNDS_MAX 20000

static uint64_t took_ns[VARIANTS_MAX][ROUNDS_MAX];
static uint64_t added_ns[ROUNDS_MAX];

/* posix_spawn(3) of glibc is a vfork: no page table of ours is copied. */
static uint64_t start_and_wait(const char *program, char *preload) {
    char *const arguments[] = {(char *)program, NULL};
    const char *folder = getenv("TIDEMARK_RING_FOLDER");
    char setting[4096];
    snprintf(setting, sizeof setting, "TIDEMARK_RING_FOLDER=%s", folder == NULL ? "" : folder);
    char *const environment[] = {"PATH=/usr/bin:/bin", folder == NULL ? "A=b" : setting, preload, NULL};
    pid_t pid;
    int status;
    uint64_t start = now_ns();
    if (posix_spawn(&pid, program, NULL, NULL, arguments, environment) != 0) exit(3);
    if (waitpid(pid, &status, 0) != pid || status != 0) exit(4);
    return now_ns() - start;
}

/* Whoever comes behind the same one each time pays for what that one leaves behind: cold caches, pages to be freed. */
static void shuffle(size_t *order, size_t count) {
    static uint32_t random_state = 1;
    for (size_t i = count - 1; i > 0; i--) {
        random_state = random_state * 1664525u + 1013904223u;
        size_t other = (random_state >> 8) % (i + 1), moved = order[i];
        order[i] = order[other];
        order[other] = moved;
    }
}

static int by_size(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static int64_t median(uint64_t *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return (int64_t)values[count / 2];
}

int main(int argument_count, char **arguments) {
    size_t rounds = argument_count > 3 ? strtoul(arguments[1], NULL, 10) : 0;
    size_t variants = (size_t)argument_count - 3;
    if (rounds == 0 || rounds > ROUNDS_MAX || variants > VARIANTS_MAX) {
        fputs("usage: spawn-bench <rounds> <program> <preload>...\n", stderr);
        return 2;
    }
    static char preloads[VARIANTS_MAX][4096];
    for (size_t i = 0; i < variants; i++) {
        if (strcmp(arguments[3 + i], "-") != 0) snprintf(preloads[i], sizeof preloads[i], "LD_PRELOAD=%s", arguments[3 + i]);
        else strcpy(preloads[i], "NONE=1"); /* As many variables in every environment. */
    }
    size_t order[VARIANTS_MAX];
    for (size_t i = 0; i < variants; i++) order[i] = i;
    for (size_t round = 0; round < rounds; round++) {
        shuffle(order, variants);
        for (size_t i = 0; i < variants; i++) took_ns[order[i]][round] = start_and_wait(arguments[2], preloads[order[i]]);
    }
    /* Variants come in pairs, without and with; the differences first, because a median sorts its values. */
    for (size_t i = 0; i < variants; i++) {
        size_t base = i & ~(size_t)1;
        for (size_t round = 0; round < rounds; round++) added_ns[round] = took_ns[i][round] - took_ns[base][round];
        printf("added%zu_ns=%lld ", i, (long long)median(added_ns, rounds));
    }
    for (size_t i = 0; i < variants; i++) printf("median%zu_ns=%lld ", i, (long long)median(took_ns[i], rounds));
    printf("\n");
    return 0;
}
