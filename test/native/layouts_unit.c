/* Holds the walker's tables of layouts against the members that glibc's structures have had, version by version.
 * It leaves real libraries to foreign-libc.test.ts; exits 0 when all is well. Source: malloc/malloc.c and malloc/arena.c. */
#include "../../native/walker/arena_layout.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../../native/walker/malloc_par.h"
#include "../../native/walker/maps.h"
#include "../../native/walker/tcache_layout.h"

#define FASTBINS 10
#define BIN_LINKS 254
#define BINMAP_WORDS 4
#define AT UINT64_C(0x7f1234000000)

/* malloc_chunk pointers and mstate pointers are plain words here: only their places matter. */
#define MEMBERS_FROM_TOP \
    void *top; \
    void *last_remainder; \
    void *bins[BIN_LINKS]; \
    unsigned binmap[BINMAP_WORDS]; \
    void *next; \
    void *next_free; \
    size_t attached_threads; \
    size_t system_mem; \
    size_t max_system_mem

struct state_with_fastbins {
    int mutex;
    int flags;
    void *fastbins[FASTBINS];
    MEMBERS_FROM_TOP;
};

struct state_with_have_fastchunks {
    int mutex;
    int flags;
    int have_fastchunks;
    void *fastbins[FASTBINS];
    MEMBERS_FROM_TOP;
};

struct state_without_fastbins {
    int mutex;
    int flags;
    MEMBERS_FROM_TOP;
};

/* Each has padding that makes the arena behind it start at a multiple of 16. */
struct heap_info {
    void *arena;
    void *previous;
    size_t size;
    size_t mprotect_size;
};

struct heap_info_with_pagesize {
    void *arena;
    void *previous;
    size_t size;
    size_t mprotect_size;
    size_t pagesize;
    char padding[8];
};

/* MALLOC_ALIGNMENT and HEAP_MAX_SIZE are derived so in all these versions, and are the same on both machines. */
_Static_assert(_Alignof(long double) == 16 && 2 * sizeof(size_t) == 16, "chunks are aligned to 16");
_Static_assert(ARENA_HEAP_BYTES_MAX == 2 * (4 * 1024 * 1024 * sizeof(long)), "twice DEFAULT_MMAP_THRESHOLD_MAX");

struct form {
    unsigned first_minor, last_minor; /* 2.first_minor to 2.last_minor. */
    uint16_t heap_info_bytes, state_bytes, top, bins, next, attached_threads, system_mem;
};

#define FORM(first, last, heap, state) \
    {first, last, sizeof(struct heap), sizeof(struct state), offsetof(struct state, top), offsetof(struct state, bins), \
        offsetof(struct state, next), offsetof(struct state, attached_threads), offsetof(struct state, system_mem)}

static const struct form forms[] = {
    FORM(23, 26, heap_info, state_with_fastbins),
    FORM(27, 34, heap_info, state_with_have_fastchunks),
    FORM(35, 42, heap_info_with_pagesize, state_with_have_fastchunks),
    FORM(43, 43, heap_info_with_pagesize, state_without_fastbins),
};
#define FORM_COUNT (sizeof forms / sizeof forms[0])

static unsigned char state[ARENA_STATE_BYTES_MAX];

static void put(size_t offset, uint64_t word) {
    if (offset + sizeof word <= sizeof state) memcpy(state + offset, &word, sizeof word);
}

/* An arena as it is after its first malloc. `shift` moves what lies behind the flags, and `links` cuts or lengthens the bins,
 * as a version of glibc to come may do. */
static void build(const struct form *form, int shift, unsigned links) {
    size_t bins = (size_t)(form->bins + shift);
    int tail = shift + 8 * ((int)links - BIN_LINKS);
    memset(state, 0, sizeof state);
    put((size_t)(form->top + shift), AT + 0x1000);
    for (unsigned bin = 0; bin < links / 2; bin++) {
        size_t offset = bins + 16 * bin;
        put(offset, AT + offset - 16);
        put(offset + 8, AT + offset - 16);
    }
    put((size_t)(form->next + tail), AT + 0x4000000);
    put((size_t)(form->attached_threads + tail), 1);
    put((size_t)(form->system_mem + tail), 0x21000);
    put((size_t)(form->system_mem + 8 + tail), 0x21000);
}

static int covers(const char *versions, unsigned minor) {
    unsigned first, last;
    int count = sscanf(versions, "2.%u to 2.%u", &first, &last);
    return count >= 1 && first <= minor && minor <= (count == 2 ? last : first);
}

static int failed(const struct form *form, const char *what) {
    printf("2.%u to 2.%u: %s\n", form->first_minor, form->last_minor, what);
    return 0;
}

static int is_in_the_table(const struct form *form) {
    build(form, 0, BIN_LINKS);
    const struct arena_layout *found = arena_layout_recognise(state, AT, form->heap_info_bytes);
    if (found == NULL) return failed(form, "not recognised");
    for (unsigned minor = form->first_minor; minor <= form->last_minor; minor++) {
        if (!covers(found->versions, minor)) return failed(form, found->versions);
    }
    if (found->heap_info_bytes != form->heap_info_bytes || found->state_bytes != form->state_bytes) return failed(form, "sizes");
    if (found->top != form->top || found->bins != form->bins) return failed(form, "top or bins");
    if (found->next != form->next || found->system_mem != form->system_mem) return failed(form, "next or system_mem");
    return 1;
}

/* Whatever a later version may look like: a place that is not in the table must not be taken for one that is. */
static int others_are_refused(const struct form *form) {
    for (int shift = -16; shift <= 128; shift += 8) {
        build(form, shift, BIN_LINKS);
        const struct arena_layout *found = arena_layout_recognise(state, AT, form->heap_info_bytes);
        int known = found != NULL && found->bins == form->bins + shift && found->next == form->next + shift;
        if (found != NULL && !known) return failed(form, "shifted, and still taken for another version");
    }
    for (unsigned links = 2; links <= BIN_LINKS + 2; links += 2) {
        build(form, 0, links);
        if (links == BIN_LINKS) continue;
        if (arena_layout_recognise(state, AT, form->heap_info_bytes) != NULL) return failed(form, "another number of bins, and taken");
    }
    build(form, 0, BIN_LINKS);
    for (uint64_t bytes = 0; bytes <= 256; bytes += 8) {
        const struct arena_layout *found = arena_layout_recognise(state, AT, bytes);
        if (found != NULL && found->heap_info_bytes != bytes) return failed(form, "another heap_info, and taken");
    }
    if (arena_layout_recognise(state, AT + 16, form->heap_info_bytes) != NULL) return failed(form, "another address, and taken");
    memset(state, 0, sizeof state);
    if (arena_layout_recognise(state, AT, form->heap_info_bytes) != NULL) return failed(form, "zeros, and taken");
    return 1;
}

/* What mp_ counts, between what differs in front and the same settings of tcache behind. */
#define COUNTS_OF_MMAPPED_CHUNKS \
    int n_mmaps; \
    int n_mmaps_max; \
    int max_n_mmaps; \
    int no_dyn_threshold; \
    size_t mmapped_mem; \
    size_t max_mmapped_mem; \
    char *sbrk_base; \
    size_t tcache_bins; \
    size_t tcache_max_bytes; \
    size_t tcache_count; \
    size_t tcache_unsorted_limit

/* 2.26 to 2.34. */
struct par_plain {
    size_t trim_threshold, top_pad, mmap_threshold, arena_test, arena_max;
    COUNTS_OF_MMAPPED_CHUNKS;
};

/* 2.35 to 2.42. */
struct par_with_hugepages {
    size_t trim_threshold, top_pad, mmap_threshold, arena_test, arena_max, thp_pagesize, hp_pagesize;
    int hp_flags;
    COUNTS_OF_MMAPPED_CHUNKS;
};

/* 2.43. */
struct par_with_thp_mode {
    size_t trim_threshold, top_pad, mmap_threshold, arena_test, arena_max;
    int thp_mode;
    size_t thp_pagesize, hp_pagesize;
    int hp_flags;
    COUNTS_OF_MMAPPED_CHUNKS;
};

/* Fills a form of mp_ as it is after `chunks` chunks of a mebibyte, and reads what the walker makes of it. */
#define PAR_IS_READ(form, chunks) ({ \
    union { struct form par; unsigned char bytes[sizeof(struct form) + MALLOC_PAR_BYTES]; } u = {.par = { \
        .trim_threshold = 131072, .top_pad = 131072, .mmap_threshold = 131072, .n_mmaps = (chunks), .n_mmaps_max = 65536, \
        .max_n_mmaps = 9, .mmapped_mem = (size_t)(chunks) << 20, .max_mmapped_mem = 9 << 20, .sbrk_base = (char *)0x5555000, \
        .tcache_bins = 64, .tcache_max_bytes = 1032, .tcache_count = 7}}; \
    uint64_t bytes = 1, count = 1; \
    malloc_par_read(u.bytes + offsetof(struct form, sbrk_base) - MALLOC_PAR_BYTES_BEFORE, UINT64_C(1) << 40, &bytes, &count) && \
        bytes == (uint64_t)(chunks) << 20 && count == (chunks); })

/* A thread's cache: 2.26 to 2.29, 2.30 to 2.41, and from 2.42 on, where the counts are of free places. */
struct tcache_of_chars {
    char counts[64];
    void *entries[64];
};

struct tcache_of_shorts {
    uint16_t counts[64];
    void *entries[64];
};

struct tcache_of_slots {
    uint16_t counts[76];
    void *entries[76];
};

/* One with two chunks of 80 bytes: bin 3. `empty` is the count of a bin that holds nothing, `filled` of one that holds two. */
#define TCACHE_IS_READ(form, empty, filled) ({ \
    union { struct form cache; unsigned char bytes[TCACHE_CHUNK_BYTES_MAX]; } u = {.cache = {.counts = {0}}}; \
    struct tcache_contents contents; \
    uint64_t chunk_bytes = (sizeof(struct form) + 8 + 15) / 16 * 16; \
    for (size_t bin = 0; bin < sizeof u.cache.counts / sizeof u.cache.counts[0]; bin++) u.cache.counts[bin] = (empty); \
    u.cache.counts[3] = (filled); \
    u.cache.entries[3] = (void *)0x5555010; \
    tcache_chunk_fits(chunk_bytes) && tcache_struct_read(u.bytes, chunk_bytes, 0, &contents) == TCACHE_FILLED && \
        contents.count == 2 && contents.bytes == 160; })

static int others_are_read(void) {
    static const struct form any = {.first_minor = 26, .last_minor = 43};
    for (unsigned chunks = 0; chunks < 9; chunks += 4) {
        if (!PAR_IS_READ(par_plain, chunks)) return failed(&any, "mp_ of 2.26 to 2.34");
        if (!PAR_IS_READ(par_with_hugepages, chunks)) return failed(&any, "mp_ of 2.35 to 2.42");
        if (!PAR_IS_READ(par_with_thp_mode, chunks)) return failed(&any, "mp_ of 2.43");
    }
    if (!TCACHE_IS_READ(tcache_of_chars, 0, 2)) return failed(&any, "tcache of 2.26 to 2.29");
    if (!TCACHE_IS_READ(tcache_of_shorts, 0, 2)) return failed(&any, "tcache of 2.30 to 2.41");
    if (!TCACHE_IS_READ(tcache_of_slots, 7, 5)) return failed(&any, "tcache of 2.42");
    if (!TCACHE_IS_READ(tcache_of_slots, 16, 14)) return failed(&any, "tcache of 2.43");
    return 1;
}

int main(void) {
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (forms[i].state_bytes > ARENA_STATE_BYTES_MAX) return !failed(&forms[i], "larger than ARENA_STATE_BYTES_MAX") + 1;
        if (!is_in_the_table(&forms[i]) || !others_are_refused(&forms[i])) return 1;
    }
    if (!others_are_read()) return 1;
    puts("ok");
    return 0;
}
