/* What google/tcmalloc tells, by the C functions behind its MallocExtension.
 * It leaves gperftools' tcmalloc to tcmalloc.c. Source: tcmalloc/internal_malloc_extension.h and global_stats.cc. */
#include "../preload/text.h"
#include "allocator.h"
#include "libc.h"

extern int MallocExtension_Internal_GetOwnership(const void *memory) WEAK;
extern bool MallocExtension_Internal_GetNumericProperty(const char *name, size_t name_bytes, size_t *value) WEAK;
/* Gives the bytes released, or nothing in older versions: not looked at. */
extern size_t MallocExtension_Internal_ReleaseMemoryToSystem(size_t bytes) WEAK;

/* enum class tcmalloc::MallocExtension::Ownership. */
#define OWNED 1

static bool is_here(void) { return MallocExtension_Internal_GetOwnership && MallocExtension_Internal_GetNumericProperty; }

static bool is_owner(void) {
    void *memory = malloc(1);
    bool owned = memory && MallocExtension_Internal_GetOwnership(memory) == OWNED;
    free(memory);
    return owned;
}

static uint64_t property(const char *name) {
    size_t value = 0;
    return MallocExtension_Internal_GetNumericProperty(name, text_length(name), &value) ? value : TIDEMARK_ABSENT;
}

static const char *const caches[] = {
    "tcmalloc.current_total_thread_cache_bytes", "tcmalloc.central_cache_free",          "tcmalloc.transfer_cache_free",
    "tcmalloc.cpu_free",                         "tcmalloc.sharded_transfer_cache_free",
};

static void measure(struct tidemark_record *record) {
    record->heap_bytes = property("generic.heap_size"); /* Without unmapped pages: HeapSizeBytes(). */
    record->live_bytes = property("generic.current_allocated_bytes");
    record->dirty_bytes = record->reclaimable_bytes = property("tcmalloc.pageheap_free_bytes");
    record->retained_bytes = property("tcmalloc.pageheap_unmapped_bytes");
    record->metadata_bytes = property("tcmalloc.metadata_bytes");
    bool known = record->heap_bytes != TIDEMARK_ABSENT && record->heap_bytes >= record->live_bytes;
    if (known) record->free_bytes = record->heap_bytes - record->live_bytes;
    uint64_t cached = property(caches[0]);
    for (size_t i = 1; i < sizeof caches / sizeof caches[0]; i++) {
        uint64_t bytes = property(caches[i]); /* The last two came later: without per-CPU caches there is nothing to add. */
        if (cached != TIDEMARK_ABSENT && bytes != TIDEMARK_ABSENT) cached += bytes;
    }
    record->cache_bytes = cached;
}

/* It has no version and no variables of its environment; its limits are not tunables of a service. */
static void describe(struct tidemark_header *header) { (void)header; }

static bool release(void) {
    if (!MallocExtension_Internal_ReleaseMemoryToSystem) return false;
    (void)MallocExtension_Internal_ReleaseMemoryToSystem(SIZE_MAX);
    return true;
}

const struct allocator google_tcmalloc_allocator = {
    .kind = TIDEMARK_ALLOCATOR_TCMALLOC,
    .is_here = is_here,
    .is_owner = is_owner,
    .describe = describe,
    .measure = measure,
    .release = release,
};
