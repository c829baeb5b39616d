/* What jemalloc tells: totals, decaying pages, free extents, and slabs that are used in part.
 * It leaves finding it to jemalloc_owner.c and its options to jemalloc_tunables.c. Source: man 3 jemalloc, MALLCTL NAMESPACE. */
#include "jemalloc.h"

#include "allocator.h"
#include "../preload/text.h"
#include "bins.h"

/* MALLCTL_ARENAS_ALL, jemalloc.h of 5.0 and later. In 4.x the index behind the last arena means all of them. */
#define ARENAS_ALL 4096
/* More than any jemalloc has: 36 to 232 in 5.x. Each call tells when it is past the end. */
#define BIN_COUNT_MAX 256
#define EXTENT_CLASS_COUNT_MAX 512
/* Arenas are asked one by one whether they are in use, some 30 ns each; a host of 256 processors has 1024. */
#define ARENA_COUNT_MAX 4096

enum name {
    ALLOCATED, ACTIVE, METADATA, RESIDENT, RETAINED, PAGE_DIRTY, PAGE_MUZZY, CACHED,
    BIN_REGION_BYTES, BIN_REGION_COUNT, BIN_LIVE_COUNT, BIN_SLAB_COUNT, BIN_RUN_COUNT,
    EXTENT_DIRTY_COUNT, EXTENT_DIRTY_BYTES, EXTENT_MUZZY_COUNT, EXTENT_MUZZY_BYTES, ARENA_INITIALIZED, NAME_COUNT
};

/* The zeros are replaced by indexes later on. A name that this version lacks leaves its figures absent. */
static const char *const names[NAME_COUNT] = {
    [ALLOCATED] = "stats.allocated",
    [ACTIVE] = "stats.active",
    [METADATA] = "stats.metadata",                                 /* 4.0 */
    [RESIDENT] = "stats.resident",                                 /* 4.0 */
    [RETAINED] = "stats.retained",                                 /* 4.5 */
    [PAGE_DIRTY] = "stats.arenas.0.pdirty",
    [PAGE_MUZZY] = "stats.arenas.0.pmuzzy",                        /* 5.0 */
    [CACHED] = "stats.arenas.0.tcache_bytes",                      /* 5.0 */
    [BIN_REGION_BYTES] = "arenas.bin.0.size",
    [BIN_REGION_COUNT] = "arenas.bin.0.nregs",
    [BIN_LIVE_COUNT] = "stats.arenas.0.bins.0.curregs",            /* 4.0 */
    [BIN_SLAB_COUNT] = "stats.arenas.0.bins.0.curslabs",           /* 5.0 */
    [BIN_RUN_COUNT] = "stats.arenas.0.bins.0.curruns",             /* until 4.5 */
    [EXTENT_DIRTY_COUNT] = "stats.arenas.0.extents.0.ndirty",      /* 5.2, as those below */
    [EXTENT_DIRTY_BYTES] = "stats.arenas.0.extents.0.dirty_bytes",
    [EXTENT_MUZZY_COUNT] = "stats.arenas.0.extents.0.nmuzzy",
    [EXTENT_MUZZY_BYTES] = "stats.arenas.0.extents.0.muzzy_bytes",
    [ARENA_INITIALIZED] = "arena.0.initialized",                   /* 5.0 */
};

static struct {
    size_t words[7];
    size_t length; /* 0: there is no such name. */
} mibs[NAME_COUNT];

static bool is_prepared;
static uint64_t page_bytes;
static size_t all_arenas;

/* Looking a name up costs some ten times what asking by number does: once is enough. */
static void prepare(void) {
    is_prepared = true;
    for (int i = 0; i < NAME_COUNT; i++) {
        size_t length = sizeof mibs[i].words / sizeof mibs[i].words[0];
        bool found = jemalloc_calls()->name_to_mib(names[i], mibs[i].words, &length) == 0;
        mibs[i].length = found ? length : 0;
    }
    size_t page = 0;
    unsigned arenas = 0;
    if (jemalloc_read("arenas.page", &page, sizeof page)) page_bytes = page;
    size_t mib[3];
    size_t length = 3;
    bool has_all = jemalloc_calls()->name_to_mib("arena.4096.purge", mib, &length) == 0;
    if (has_all) all_arenas = ARENAS_ALL;
    else if (jemalloc_read("arenas.narenas", &arenas, sizeof arenas)) all_arenas = arenas;
}

static bool ask(enum name name, void *value, size_t bytes) {
    size_t length = bytes;
    if (!mibs[name].length) return false;
    return jemalloc_calls()->by_mib(mibs[name].words, mibs[name].length, value, &length, NULL, 0) == 0 && length == bytes;
}

static uint64_t size_of(enum name name) {
    size_t value = 0;
    return ask(name, &value, sizeof value) ? value : TIDEMARK_ABSENT;
}

/* Of stats.arenas.<all>.bins|extents.<index>. */
static uint64_t size_at(enum name name, size_t index) {
    mibs[name].words[2] = all_arenas;
    mibs[name].words[4] = index;
    return size_of(name);
}

static uint64_t pages_of_all(enum name name) {
    mibs[name].words[2] = all_arenas;
    uint64_t pages = size_of(name);
    return pages == TIDEMARK_ABSENT || !page_bytes ? TIDEMARK_ABSENT : pages * page_bytes;
}

static uint64_t initialized_arenas(void) {
    unsigned arenas = 0;
    if (!mibs[ARENA_INITIALIZED].length || !jemalloc_read("arenas.narenas", &arenas, sizeof arenas)) return TIDEMARK_ABSENT;
    if (arenas > ARENA_COUNT_MAX) return TIDEMARK_ABSENT;
    uint64_t count = 0;
    for (unsigned i = 0; i < arenas; i++) {
        bool initialized = false;
        mibs[ARENA_INITIALIZED].words[1] = i;
        count += ask(ARENA_INITIALIZED, &initialized, sizeof initialized) && initialized;
    }
    return count;
}

/* A slab holds regions of one size and can be given back only when all are free: the free ones are pinned by the others. */
static void measure_slabs(struct tidemark_record *record) {
    uint64_t waste = 0;
    enum name slabs_name = mibs[BIN_SLAB_COUNT].length ? BIN_SLAB_COUNT : BIN_RUN_COUNT;
    bins_clear(record->pinned_bytes_by_size);
    for (size_t i = 0; i < BIN_COUNT_MAX; i++) {
        uint32_t regions = 0;
        mibs[BIN_REGION_BYTES].words[2] = i;
        mibs[BIN_REGION_COUNT].words[2] = i;
        uint64_t bytes = size_of(BIN_REGION_BYTES);
        if (bytes == TIDEMARK_ABSENT && i > 0) break;
        uint64_t slabs = size_at(slabs_name, i);
        uint64_t live = size_at(BIN_LIVE_COUNT, i);
        bool told = bytes != TIDEMARK_ABSENT && slabs != TIDEMARK_ABSENT && live != TIDEMARK_ABSENT;
        if (!told || !ask(BIN_REGION_COUNT, &regions, sizeof regions)) {
            record->pinned_bytes_by_size[0] = TIDEMARK_ABSENT;
            return;
        }
        uint64_t free_bytes = slabs * regions > live ? (slabs * regions - live) * bytes : 0;
        waste += free_bytes;
        bins_add(record->pinned_bytes_by_size, bytes, free_bytes);
    }
    record->bin_waste_bytes = waste;
}

/* A class tells how many extents it has and their bytes in sum. It never crosses a power of two, so their mean falls into the
 * right bin; the largest extent is at least the mean of the last class. */
static void add_extents(struct tidemark_record *record, uint64_t count, uint64_t bytes) {
    if (count == 0 || count == TIDEMARK_ABSENT || bytes == TIDEMARK_ABSENT) return;
    bins_add(record->free_bytes_by_size, bytes / count, bytes);
    if (bytes / count > record->free_chunk_bytes_max) record->free_chunk_bytes_max = bytes / count;
}

static void measure_extents(struct tidemark_record *record) {
    if (size_at(EXTENT_DIRTY_COUNT, 0) == TIDEMARK_ABSENT) return;
    bins_clear(record->free_bytes_by_size);
    record->free_chunk_bytes_max = 0;
    for (size_t i = 0; i < EXTENT_CLASS_COUNT_MAX; i++) {
        uint64_t dirty = size_at(EXTENT_DIRTY_COUNT, i);
        if (dirty == TIDEMARK_ABSENT) break;
        add_extents(record, dirty, size_at(EXTENT_DIRTY_BYTES, i));
        add_extents(record, size_at(EXTENT_MUZZY_COUNT, i), size_at(EXTENT_MUZZY_BYTES, i));
    }
}

static void measure(struct tidemark_record *record) {
    if (!is_prepared) prepare();
    uint64_t epoch = 1;
    if (jemalloc_calls()->mallctl("epoch", NULL, NULL, &epoch, sizeof epoch) != 0) return;
    record->live_bytes = size_of(ALLOCATED);
    record->active_bytes = size_of(ACTIVE);
    record->metadata_bytes = size_of(METADATA);
    record->heap_bytes = record->heap_resident_bytes = size_of(RESIDENT);
    record->retained_bytes = size_of(RETAINED);
    bool known = record->heap_bytes != TIDEMARK_ABSENT && record->heap_bytes >= record->live_bytes;
    if (known) record->free_bytes = record->heap_bytes - record->live_bytes;
    record->dirty_bytes = pages_of_all(PAGE_DIRTY);
    record->muzzy_bytes = pages_of_all(PAGE_MUZZY);
    uint64_t muzzy = record->muzzy_bytes == TIDEMARK_ABSENT ? 0 : record->muzzy_bytes;
    if (record->dirty_bytes != TIDEMARK_ABSENT) record->reclaimable_bytes = record->dirty_bytes + muzzy;
    mibs[CACHED].words[2] = all_arenas;
    record->cache_bytes = size_of(CACHED);
    record->arena_count = initialized_arenas();
    measure_slabs(record);
    measure_extents(record);
}

static void describe(struct tidemark_header *header) {
    const char *version = NULL;
    struct text text = text_in(header->allocator_version, sizeof header->allocator_version);
    if (jemalloc_read("version", &version, sizeof version) && version) text_add(&text, version);
    jemalloc_tunables(header->tunables, sizeof header->tunables);
}

/* Every arena gives its dirty and muzzy pages back at once, as decay would in time. */
static bool release(void) {
    if (!is_prepared) prepare();
    size_t mib[3];
    size_t length = 3;
    if (jemalloc_calls()->name_to_mib("arena.0.purge", mib, &length) != 0) return false;
    mib[1] = all_arenas;
    return jemalloc_calls()->by_mib(mib, length, NULL, NULL, NULL, 0) == 0;
}

const struct allocator jemalloc_allocator = {
    .kind = TIDEMARK_ALLOCATOR_JEMALLOC,
    .is_here = jemalloc_is_here,
    .is_owner = jemalloc_is_owner,
    .describe = describe,
    .measure = measure,
    .release = release,
    .profile = jemalloc_profile,
};
