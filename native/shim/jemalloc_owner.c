/* Finds jemalloc in the process, plain or prefixed, and proves that it counts what malloc gives.
 * It leaves its figures to jemalloc.c. */
#include "allocator.h"
#include "jemalloc.h"
#include "libc.h"

#define DECLARE(prefix)                                                                                           \
    extern int prefix##mallctl(const char *, void *, size_t *, void *, size_t) WEAK;                              \
    extern int prefix##mallctlnametomib(const char *, size_t *, size_t *) WEAK;                                   \
    extern int prefix##mallctlbymib(const size_t *, size_t, void *, size_t *, void *, size_t) WEAK

DECLARE();
DECLARE(je_);
DECLARE(_rjem_);
extern void *je_malloc(size_t) WEAK;
extern void je_free(void *) WEAK;
extern void *_rjem_malloc(size_t) WEAK;
extern void _rjem_free(void *) WEAK;

#define CALLS(prefix)                                                                                             \
    (struct jemalloc_calls) { prefix##mallctl, prefix##mallctlnametomib, prefix##mallctlbymib, prefix##malloc, prefix##free }

#define SAMPLE_BYTES 1000

static struct jemalloc_calls chosen;

const struct jemalloc_calls *jemalloc_calls(void) { return &chosen; }

bool jemalloc_is_here(void) { return mallctl || je_mallctl || _rjem_mallctl; }

bool jemalloc_is_beside_malloc(void) { return (je_mallctl && je_malloc) || (_rjem_mallctl && _rjem_malloc); }

bool jemalloc_read(const char *name, void *value, size_t bytes) {
    size_t length = bytes;
    return chosen.mallctl(name, value, &length, NULL, 0) == 0 && length == bytes;
}

/* thread.allocatedp points to this thread's count of bytes ever given to it (3.0 and later, unless built without statistics). */
static bool counts_its_malloc(struct jemalloc_calls calls) {
    if (!calls.mallctl || !calls.name_to_mib || !calls.by_mib || !calls.malloc || !calls.free) return false;
    chosen = calls;
    const volatile uint64_t *allocated = NULL;
    if (!jemalloc_read("thread.allocatedp", &allocated, sizeof allocated) || !allocated) return false;
    uint64_t before = *allocated;
    void *memory = calls.malloc(SAMPLE_BYTES);
    bool moved = memory && *allocated - before >= SAMPLE_BYTES;
    calls.free(memory);
    return moved;
}

bool jemalloc_is_owner(void) {
    bool owner = counts_its_malloc(CALLS()) || counts_its_malloc(CALLS(je_)) || counts_its_malloc(CALLS(_rjem_));
    /* Our thread allocates next to nothing: without a cache it keeps 40 to 80 KB less, and less stands in the figures. */
    bool cache = false;
    if (owner) (void)chosen.mallctl("thread.tcache.enabled", NULL, NULL, &cache, sizeof cache);
    return owner;
}
