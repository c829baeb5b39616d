/* What mimalloc tells in a release build: how much it has committed. Neither live nor resident bytes of its heap are counted there.
 * It leaves RSS, which mi_process_info gives for the whole process, to /proc. Source: include/mimalloc.h of 1.6 to 3.4. */
#include "../preload/text.h"
#include "allocator.h"
#include "libc.h"

extern int mi_version(void) WEAK;
extern bool mi_is_in_heap_region(const void *memory) WEAK;
extern void mi_process_info(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *rss, size_t *rss_peak, size_t *commit,
                            size_t *commit_peak, size_t *page_faults) WEAK;
extern long mi_option_get(int option) WEAK;
extern void mi_collect(bool force) WEAK;

static bool is_here(void) { return mi_version && mi_is_in_heap_region; }

static bool is_owner(void) {
    void *memory = malloc(1);
    bool owned = memory && mi_is_in_heap_region(memory);
    free(memory);
    return owned;
}

static void measure(struct tidemark_record *record) {
    size_t ms = 0;
    size_t bytes = 0;
    size_t commit = 0;
    if (!mi_process_info) return;
    mi_process_info(&ms, &ms, &ms, &bytes, &bytes, &commit, &bytes, &bytes);
    /* A signed count of what was committed less what was decommitted: nothing, or less, is a count gone wrong. */
    if (commit > 0 && commit <= INT64_MAX) record->heap_bytes = commit;
}

/* The version is a number of three forms: 209 is 2.0.9, 3208 is 3.2.8, 20401 is 2.4.1. */
static void add_version(struct text *text, unsigned version) {
    unsigned patch_digits = version < 1000 ? 10 : 100;
    unsigned minor_digits = version < 10000 ? 10 : 100;
    text_add_number(text, version / patch_digits / minor_digits, 10);
    text_add(text, ".");
    text_add_number(text, version / patch_digits % minor_digits, 10);
    text_add(text, ".");
    text_add_number(text, version % patch_digits, 10);
}

/* Options whose number has meant the same in every version since the one given; their names have changed. */
static const struct {
    const char *name;
    int number;
    int since;
} options[] = {
    {"arena_eager_commit", 4, 210}, {"purge_decommits", 5, 210},       {"allow_large_os_pages", 6, 180},
    {"reserve_huge_os_pages", 7, 180}, {"purge_delay", 15, 210},
};

static void describe(struct tidemark_header *header) {
    int version = mi_version();
    struct text name = text_in(header->allocator_version, sizeof header->allocator_version);
    if (version > 0) add_version(&name, (unsigned)version);
    struct text text = {header->tunables, sizeof header->tunables, text_length(header->tunables), false};
    for (size_t i = 0; mi_option_get && i < sizeof options / sizeof options[0]; i++) {
        if (version < options[i].since) continue;
        if (text.length) text_add(&text, " ");
        text_add(&text, options[i].name);
        text_add(&text, "=");
        text_add_signed(&text, mi_option_get(options[i].number));
    }
}

static bool release(void) {
    if (!mi_collect) return false;
    mi_collect(true);
    return true;
}

const struct allocator mimalloc_allocator = {
    .kind = TIDEMARK_ALLOCATOR_MIMALLOC,
    .is_here = is_here,
    .is_owner = is_owner,
    .describe = describe,
    .measure = measure,
    .release = release,
};
