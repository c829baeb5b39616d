/* The table of glibc's arena layouts, each with the versions that have it, and the test that tells them apart.
 * It leaves main_arena's place and the ring of arenas to arenas.c. Source: malloc/malloc.c and malloc/arena.c of glibc. */
#include "arena_layout.h"

#include "memory.h"

#define BIN_COUNT 127 /* NBINS - 1: bin 0 does not exist. */
/* The arena is in use: some bin may be caught with one of its two links set. A wrong layout fits hardly any bin. */
#define TORN_BINS_MAX 4
#define NONCONTIGUOUS_BIT 2U
#define ATTACHED_THREADS_LIMIT (UINT64_C(1) << 22) /* PID_MAX_LIMIT of Linux. */

static const struct arena_layout layouts[] = {
    /* flags in front of fastbinsY[10]; heap_info of four words. attached_threads came with 2.23. */
    {"2.23 to 2.26", 0x20, 0x890, 0x58, 0x68, 0x868, 0x880, 0x08},
    /* have_fastchunks in front of fastbinsY. */
    {"2.27 to 2.34", 0x20, 0x898, 0x60, 0x70, 0x870, 0x888, 0x10},
    /* heap_info.pagesize, for huge pages. */
    {"2.35 to 2.42", 0x30, 0x898, 0x60, 0x70, 0x870, 0x888, 0x10},
    /* No fastbins any more. */
    {"2.43", 0x30, 0x840, 0x08, 0x18, 0x818, 0x830, 0},
};

#define LAYOUT_COUNT (sizeof layouts / sizeof layouts[0])

/* Where the bins begin and end: one bin more in front of them or behind them would be another layout. What follows is
 * next and attached_threads (a tid has 22 bits), which a version with fewer bins or more members has elsewhere. */
static bool ends_fit(const struct arena_layout *layout, const unsigned char *state, uint64_t address) {
    uint64_t before = layout->bins - 16U;
    uint64_t behind = layout->bins + 16U * BIN_COUNT;
    uint64_t next = word_at(state + layout->next);
    return word_at(state + before) != address + before - 16 && word_at(state + behind) != address + behind - 16 && next != 0 &&
           next % 8 == 0 && word_at(state + layout->system_mem - 8) < ATTACHED_THREADS_LIMIT;
}

/* An empty bin points to itself, which no other offset or address could look like; a full one points to chunks. Some
 * bins are always empty, because there are more of them than sizes that a program frees at one time. */
bool arena_layout_fits(const struct arena_layout *layout, const unsigned char *state, uint64_t address) {
    unsigned empty = 0;
    unsigned torn = 0;
    if (!ends_fit(layout, state, address)) return false;
    for (unsigned bin = 0; bin < BIN_COUNT; bin++) {
        unsigned offset = layout->bins + 16 * bin;
        uint64_t self = address + offset - 16; /* bin_at: as if the pair were fd and bk of a chunk. */
        uint64_t forward = word_at(state + offset);
        uint64_t backward = word_at(state + offset + 8);
        if (forward == self && backward == self) {
            empty++;
        } else if (forward == self || backward == self || forward == 0 || backward == 0 || (forward | backward) % 16 != 0) {
            torn++;
        }
    }
    return empty != 0 && torn <= TORN_BINS_MAX;
}

const struct arena_layout *arena_layout_recognise(const unsigned char *state, uint64_t address, uint64_t heap_info_bytes) {
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        const struct arena_layout *layout = &layouts[i];
        /* Only main_arena can be without memory, and it has no heap_info. */
        if (layout->heap_info_bytes != heap_info_bytes || word_at(state + layout->system_mem) == 0) continue;
        if (arena_layout_fits(layout, state, address)) return layout;
    }
    return NULL;
}

const struct arena_layout *arena_layout_recognise_main(const unsigned char *state, uint64_t address) {
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (word_at(state + layouts[i].next) == address && arena_layout_fits(&layouts[i], state, address)) return &layouts[i];
    }
    return NULL;
}

bool arena_layout_may_be_alone(uint64_t word, uint64_t at) {
    bool may = false;
    for (size_t i = 0; i < LAYOUT_COUNT; i++) may |= word + layouts[i].next == at;
    return may;
}

bool arena_state_is_noncontiguous(const unsigned char *state) {
    uint32_t flags;
    memcpy(&flags, state + 4, sizeof flags);
    return (flags & NONCONTIGUOUS_BIT) != 0;
}
