// Traffic for the demo's workloads: cycles of quiet, rise, peak and fall, and the options that all of them share.
// What a program does with its memory under this traffic is its own file.
#ifndef TIDEMARK_WORKLOADS_TRAFFIC_H
#define TIDEMARK_WORKLOADS_TRAFFIC_H

#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// A demo that was killed must not leave its workloads behind for long.
#define LIFETIME_S_MAX 600

// Shares of a cycle. The fall ends well before the cycle does, so that every cycle has a trough to look at.
#define RISE_FROM 0.20
#define PEAK_FROM 0.50
#define FALL_FROM 0.65
#define QUIET_FROM 0.75

struct traffic {
    size_t peak_bytes;
    double cycle_s;
    struct timespec started;
};

static inline struct traffic traffic_start(int argc, char **argv) {
    char *rest = NULL;
    unsigned long mib = argc == 3 ? strtoul(argv[1], &rest, 10) : 0;
    double cycle_s = argc == 3 ? atof(argv[2]) : 0;
    if (mib == 0 || mib > 4096 || *rest != '\0' || cycle_s <= 0) {
        fprintf(stderr, "usage: %s PEAK_MIB CYCLE_SECONDS: up to 4096 MiB; runs until stopped, at most %d s\n", argv[0],
                LIFETIME_S_MAX);
        exit(2);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(LIFETIME_S_MAX);
    struct traffic traffic = {.peak_bytes = (size_t)mib << 20, .cycle_s = cycle_s};
    clock_gettime(CLOCK_MONOTONIC, &traffic.started);
    return traffic;
}

// Cycles since the start: the whole part counts them, the fraction is the place within one.
static inline double traffic_cycles(const struct traffic *traffic) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double elapsed_s = (double)(now.tv_sec - traffic->started.tv_sec) + (double)(now.tv_nsec - traffic->started.tv_nsec) / 1e9;
    return elapsed_s / traffic->cycle_s;
}

// Share of the peak that the traffic asks for at this place of a cycle, 0 to 1.
static inline double traffic_demand(double cycles) {
    double place = cycles - (double)(uint64_t)cycles;
    if (place < RISE_FROM || place >= QUIET_FROM) return 0;
    if (place < PEAK_FROM) return (place - RISE_FROM) / (PEAK_FROM - RISE_FROM);
    if (place < FALL_FROM) return 1;
    return (QUIET_FROM - place) / (QUIET_FROM - FALL_FROM);
}

static inline void traffic_pause(void) {
    nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
}

// xorshift64*: repeatable, and good enough to scatter sizes.
static inline uint64_t traffic_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static inline size_t random_size(uint64_t *state, size_t least, size_t most) {
    return least + (size_t)(traffic_random(state) % (most - least + 1));
}

// Memory that is used like a program's: every byte written, so that it is resident.
static inline void *allocate_filled(size_t bytes) {
    void *memory = malloc(bytes);
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memset(memory, 0x5a, bytes);
}

// Objects in order of arrival; the list itself lies outside the heap, so that it pins nothing.
struct objects {
    void **pointer;
    size_t capacity, count, bytes;
};

static inline struct objects objects_reserve(size_t capacity) {
    void *list = mmap(NULL, capacity * sizeof(void *), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (list == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return (struct objects){.pointer = list, .capacity = capacity};
}

static inline void objects_add(struct objects *objects, size_t bytes) {
    if (objects->count == objects->capacity) return;
    objects->pointer[objects->count++] = allocate_filled(bytes);
    objects->bytes += bytes;
}

static inline void objects_free_all(struct objects *objects) {
    for (size_t i = 0; i < objects->count; i++) free(objects->pointer[i]);
    objects->count = 0;
    objects->bytes = 0;
}

#endif
