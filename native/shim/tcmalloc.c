/* What gperftools' tcmalloc tells, by the C functions of its malloc_extension_c.h.
 * It leaves google/tcmalloc, which is another allocator by now, to google_tcmalloc.c. Source: gperftools 2.0 to 2.18. */
#include "../preload/text.h"
#include "libc.h"
#include "tcmalloc.h"

extern int MallocExtension_GetOwnership(const void *memory) WEAK;
extern int MallocExtension_GetNumericProperty(const char *name, size_t *value) WEAK;
extern void MallocExtension_ReleaseFreeMemory(void) WEAK;
extern const char *tc_version(int *major, int *minor, const char **patch) WEAK;

/* enum MallocExtension_Ownership. Before its constructor has run, every answer is 0, unknown (MallocExtension::GetOwnership). */
#define OWNED 1

static bool is_here(void) { return MallocExtension_GetOwnership && MallocExtension_GetNumericProperty; }

static bool is_owner(void) {
    void *memory = malloc(1);
    bool owned = memory && MallocExtension_GetOwnership(memory) == OWNED;
    free(memory);
    return owned;
}

/* Until 2.6 its handlers of fork come from a constructor that may run after ours, so that in a child ours runs while its locks
 * are still held; since 2.6.90 they come with its first malloc (Static::InitLateMaybeRecursive). */
bool tcmalloc_is_ready_after_fork(void) {
    int major = 0;
    int minor = 0;
    const char *patch = NULL;
    if (!tc_version) return false;
    tc_version(&major, &minor, &patch);
    return major > 2 || (major == 2 && minor >= 7);
}

static uint64_t property(const char *name) {
    size_t value = 0;
    return MallocExtension_GetNumericProperty(name, &value) ? value : TIDEMARK_ABSENT;
}

static void measure(struct tidemark_record *record) {
    uint64_t reserved = property("generic.heap_size");
    uint64_t unmapped = property("tcmalloc.pageheap_unmapped_bytes");
    uint64_t physical = property("generic.total_physical_bytes"); /* 2.5.90 */
    uint64_t threads = property("tcmalloc.current_total_thread_cache_bytes");
    uint64_t central = property("tcmalloc.central_cache_free_bytes");   /* 2.1 */
    uint64_t transfer = property("tcmalloc.transfer_cache_free_bytes"); /* 2.1 */
    record->live_bytes = property("generic.current_allocated_bytes");
    record->dirty_bytes = record->reclaimable_bytes = property("tcmalloc.pageheap_free_bytes");
    record->retained_bytes = unmapped;
    if (threads != TIDEMARK_ABSENT && central != TIDEMARK_ABSENT && transfer != TIDEMARK_ABSENT)
        record->cache_bytes = threads + central + transfer;
    if (reserved == TIDEMARK_ABSENT || unmapped == TIDEMARK_ABSENT || reserved < unmapped) return;
    record->heap_bytes = reserved - unmapped;
    /* Each property is read at a moment of its own: differences can come out below nothing in a busy program. */
    bool known = record->live_bytes != TIDEMARK_ABSENT && record->heap_bytes >= record->live_bytes;
    if (known) record->free_bytes = record->heap_bytes - record->live_bytes;
    if (physical != TIDEMARK_ABSENT && physical >= record->heap_bytes) record->metadata_bytes = physical - record->heap_bytes;
}

static const char *const tunables[] = {"max_total_thread_cache_bytes", "aggressive_memory_decommit", "heap_limit_mb"};

static void describe(struct tidemark_header *header) {
    int major = 0;
    int minor = 0;
    const char *patch = NULL;
    struct text version = text_in(header->allocator_version, sizeof header->allocator_version);
    if (tc_version) text_add(&version, tc_version(&major, &minor, &patch));
    /* Behind what the environment says, such as TCMALLOC_RELEASE_RATE. */
    struct text text = {header->tunables, sizeof header->tunables, text_length(header->tunables), false};
    for (size_t i = 0; i < sizeof tunables / sizeof tunables[0]; i++) {
        char name[64];
        struct text full_name = text_in(name, sizeof name);
        text_add(&full_name, "tcmalloc.");
        text_add(&full_name, tunables[i]);
        uint64_t value = property(name);
        if (value == TIDEMARK_ABSENT) continue;
        if (text.length) text_add(&text, " ");
        text_add(&text, tunables[i]);
        text_add(&text, "=");
        text_add_number(&text, value, 10);
    }
}

static bool release(void) {
    if (!MallocExtension_ReleaseFreeMemory) return false;
    MallocExtension_ReleaseFreeMemory();
    return true;
}

const struct allocator tcmalloc_allocator = {
    .kind = TIDEMARK_ALLOCATOR_TCMALLOC,
    .is_here = is_here,
    .is_owner = is_owner,
    .describe = describe,
    .measure = measure,
    .release = release,
    .profile = tcmalloc_profile,
};
