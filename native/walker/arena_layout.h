/* The forms that glibc's struct malloc_state and heap_info have had on 64-bit Linux, and recognising which one it is.
 * It leaves finding the candidates and checking them against each other to arenas.c. */
#ifndef TIDEMARK_ARENA_LAYOUT_H
#define TIDEMARK_ARENA_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* The largest malloc_state of all layouts. */
#define ARENA_STATE_BYTES_MAX 0x898
#define FASTBIN_COUNT 10 /* NFASTBINS: chunks of 32 to 176 bytes, one size a bin. */

struct arena_layout {
    const char *versions;
    uint16_t heap_info_bytes;
    uint16_t state_bytes;
    uint16_t top;
    uint16_t bins;
    uint16_t next;
    uint16_t system_mem;
    uint16_t fastbins; /* 0 when there are none. */
};

/* The layout that the state at `address`, read to `state`, has beyond doubt, or NULL. `heap_info_bytes` is the distance
 * of the arena from its heap's start. */
const struct arena_layout *arena_layout_recognise(const unsigned char *state, uint64_t address, uint64_t heap_info_bytes);

/* The layout of the main arena at `address`, which has no heap_info; NULL when it has none of them. Two layouts differ in
 * heap_info alone, and then this is the older one. */
const struct arena_layout *arena_layout_recognise_main(const unsigned char *state, uint64_t address);

/* Whether `word`, found at `at`, may be the `next` of an arena at the address `word` that is alone in its ring. */
bool arena_layout_may_be_alone(uint64_t word, uint64_t at);

/* NONCONTIGUOUS_BIT: when brk failed, the main arena went on in mappings that nothing leads to. */
bool arena_state_is_noncontiguous(const unsigned char *state);

/* Whether the bins of `state` are those of an arena at `address` with this layout. */
bool arena_layout_fits(const struct arena_layout *layout, const unsigned char *state, uint64_t address);

#endif
