/* Bytes by size in powers of two: bin i holds what is 2^(i+4) to 2^(i+5)-1 bytes, the first also what is smaller.
 * It leaves the meaning of the sizes to the allocators. */
#ifndef TIDEMARK_BINS_H
#define TIDEMARK_BINS_H

#include <stdint.h>

#include "../abi/tidemark_abi.h"

#define SMALLEST_BIN_POWER 4

static inline void bins_clear(uint64_t *bins) {
    for (int i = 0; i < TIDEMARK_SIZE_BIN_COUNT; i++) bins[i] = 0;
}

static inline void bins_add(uint64_t *bins, uint64_t size, uint64_t bytes) {
    int bin = 0;
    for (uint64_t rest = size >> (SMALLEST_BIN_POWER + 1); rest && bin < TIDEMARK_SIZE_BIN_COUNT - 1; rest >>= 1) bin++;
    bins[bin] += bytes;
}

#endif
