/* Reads a tcache_perthread_struct: a count for each bin, and a list that is empty exactly when nothing is counted.
 * It leaves whether the lists are real to tcache.c. Source: malloc/malloc.c of glibc 2.26 to 2.43. */
#include "tcache_layout.h"

#include "memory.h"

struct tcache_layout {
    uint16_t chunk_bytes;
    uint8_t bin_count;
    uint8_t count_bytes;
    bool counts_down; /* From mp_.tcache_count to 0. */
};

static const struct tcache_layout layouts[] = {
    {0x250, 64, 1, false}, /* 2.26 to 2.29 */
    {0x290, 64, 2, false}, /* 2.30 to 2.41 */
    {0x300, 76, 2, true},  /* 2.42: num_slots instead of counts, and bins for large chunks */
};

static unsigned count_at(const struct tcache_layout *layout, const unsigned char *memory, unsigned bin) {
    if (layout->count_bytes == 1) return memory[bin];
    uint16_t count;
    memcpy(&count, memory + 2 * bin, sizeof count);
    return count;
}

static uint64_t entry_at(const struct tcache_layout *layout, const unsigned char *memory, unsigned bin) {
    return word_at(memory + (size_t)layout->count_bytes * layout->bin_count + 8 * (size_t)bin);
}

/* The count that stands for an empty bin: 0, or what most empty bins have. Two that agree are enough to start from. */
static unsigned count_when_empty(const struct tcache_layout *layout, const unsigned char *memory) {
    unsigned seen = 0;
    if (!layout->counts_down) return 0;
    for (unsigned bin = layout->bin_count; bin-- > 0;) {
        if (entry_at(layout, memory, bin) != 0) continue;
        unsigned count = count_at(layout, memory, bin);
        if (count == seen && count != 0) return count;
        seen = count;
    }
    return seen;
}

static void add_bin(struct tcache_contents *contents, unsigned bin, unsigned count, uint64_t entry) {
    uint64_t chunk_bytes = 32 + 16 * (uint64_t)bin;
    if (bin >= TCACHE_SMALL_BIN_COUNT) {
        contents->large_bins = true;
        return;
    }
    contents->bytes += count * chunk_bytes;
    contents->count += count;
    contents->heads[contents->head_count] = entry;
    contents->head_bytes[contents->head_count++] = chunk_bytes;
}

static enum tcache_kind read_as(const struct tcache_layout *layout, const unsigned char *memory, unsigned torn_max,
                                struct tcache_contents *contents) {
    unsigned empty_count = count_when_empty(layout, memory);
    unsigned torn = 0;
    bool filled = false;
    if (layout->counts_down && empty_count == 0) return TCACHE_NOT;
    for (unsigned bin = 0; bin < layout->bin_count; bin++) {
        unsigned count = count_at(layout, memory, bin);
        uint64_t entry = entry_at(layout, memory, bin);
        if (entry == 0 && count == empty_count) continue;
        unsigned held = layout->counts_down ? empty_count - count : count;
        bool sound = entry != 0 && entry % 16 == 0 && entry >> 56 == 0 && held != 0 && held <= UINT16_MAX;
        if (sound) add_bin(contents, bin, held, entry);
        if (sound) filled = true;
        if (!sound && ++torn > torn_max) return TCACHE_NOT;
    }
    if (filled) return TCACHE_FILLED;
    return torn == 0 ? TCACHE_EMPTY : TCACHE_NOT;
}

enum tcache_kind tcache_struct_read(const unsigned char *memory, uint64_t chunk_bytes, unsigned torn_max,
                                    struct tcache_contents *contents) {
    contents->bytes = contents->count = 0;
    contents->large_bins = false;
    contents->head_count = 0;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (chunk_bytes == layouts[i].chunk_bytes || chunk_bytes == layouts[i].chunk_bytes + 16u) {
            return read_as(&layouts[i], memory, torn_max, contents);
        }
    }
    return TCACHE_NOT;
}
