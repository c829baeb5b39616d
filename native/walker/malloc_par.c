/* The two forms that the end of struct malloc_par has had since 2.26: with and without hp_flags, which came with 2.35.
 * It leaves reading it to libc_data.c. Source: malloc/malloc.c of glibc, struct malloc_par. */
#include "malloc_par.h"

#include "memory.h"

/* TCACHE_MAX_BINS is 64, and 76 since 2.42; MAX_TCACHE_COUNT was 127 and is 65535; chunks of tcache end at 4 MiB. */
#define TCACHE_BINS_MAX 128
#define TCACHE_COUNT_MAX 65535
#define TCACHE_BYTES_MAX (UINT64_C(8) << 20)

static int32_t int_at(const unsigned char *bytes) {
    int32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

/* n_mmaps, n_mmaps_max, max_n_mmaps and no_dyn_threshold follow each other; the first two forms are told apart by where
 * they make sense. Where both do, nothing is mmapped, and the figures are the same. */
static bool counts_make_sense(const unsigned char *counts, uint64_t bytes, uint64_t bytes_max) {
    int32_t count = int_at(counts);
    int32_t limit = int_at(counts + 4);
    int32_t count_max = int_at(counts + 8);
    int32_t no_dynamic_threshold = int_at(counts + 12);
    return count >= 0 && count <= count_max && limit >= 0 && (no_dynamic_threshold == 0 || no_dynamic_threshold == 1) &&
           (count == 0) == (bytes == 0) && bytes <= bytes_max && bytes % 16 == 0;
}

bool malloc_par_read(const unsigned char *bytes, uint64_t mmapped_bytes_max, uint64_t *mmapped_bytes, uint64_t *mmapped_count) {
    const unsigned char *sbrk_base = bytes + MALLOC_PAR_BYTES_BEFORE;
    uint64_t mapped = word_at(sbrk_base - 16);
    uint64_t mapped_max = word_at(sbrk_base - 8);
    const unsigned char *counts = sbrk_base - 32;
    /* Less 1, so that 0 is too large: other pointers into the heap have zeros around them, and no tunable sets these to 0. */
    bool has_tcache = word_at(sbrk_base + 8) - 1 < TCACHE_BINS_MAX && word_at(sbrk_base + 16) - 1 < TCACHE_BYTES_MAX &&
                      word_at(sbrk_base + 24) <= TCACHE_COUNT_MAX;
    if (!has_tcache || mapped > mmapped_bytes_max) return false;
    if (!counts_make_sense(counts, mapped, mapped_max)) counts = sbrk_base - 36;
    if (!counts_make_sense(counts, mapped, mapped_max)) return false;
    *mmapped_bytes = mapped;
    *mmapped_count = (uint64_t)int_at(counts);
    return true;
}
