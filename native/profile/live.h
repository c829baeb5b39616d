/* The sampled blocks that are live, by address, and the filter that keeps free of all others cheap.
 * It leaves which blocks are sampled to sample.c. No lock: whichever thread ends, forks or is interrupted inside holds up nobody. */
#ifndef TIDEMARK_PROFILE_LIVE_H
#define TIDEMARK_PROFILE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "../abi/tidemark_profile.h"

/* A count of sampled blocks for each of so many groups of pages: 256 MiB of heap before two pages share one. */
#define FILTER_COUNTS 65536

extern uint8_t live_filter[FILTER_COUNTS];
extern struct tidemark_profile_slot live_slots[TIDEMARK_PROFILE_SLOTS];

/* Neighbouring pages have neighbouring counts, so that a program that frees what lies together stays in few cache lines. The
 * second term tells apart thread arenas, which all begin at multiples of 64 MiB. */
static inline uint32_t live_filter_index(uintptr_t address) {
    return (uint32_t)(address >> 12 ^ address >> 28) & (FILTER_COUNTS - 1);
}

/* False for almost every block that is not sampled, true for every one that is: whoever may free a block has learned of it
 * after it was added. */
static inline bool live_may_have(const void *memory) {
    return __atomic_load_n(&live_filter[live_filter_index((uintptr_t)memory)], __ATOMIC_RELAXED) != 0;
}

struct live_sample {
    uint64_t bytes_and_stack;
    uint64_t birth;
};

/* False: there is no slot for it. */
bool live_add(const void *memory, struct live_sample sample);
/* False: it is not among them. To be called before the block is freed, while nobody else can get its address. */
bool live_remove(const void *memory, struct live_sample *sample);

#endif
