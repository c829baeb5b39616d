/* Finds who owns malloc by behaviour: each library that is present is asked whether a block was its own. Names and addresses
 * prove nothing: a plugin may bring a whole second allocator, and dladdr(malloc) is wrong in non-PIE executables.
 * It leaves how each one is asked to its own file. */
#include "owner.h"

/* Who can tell a block of its own from others first. */
static const struct allocator *const measured[] = {
    &tcmalloc_allocator,
    &google_tcmalloc_allocator,
    &mimalloc_allocator,
    &jemalloc_allocator,
};
#define MEASURED_COUNT (sizeof measured / sizeof measured[0])

static bool is_glibc;

bool owner_can_be_measured(void) {
    for (size_t i = 0; i < MEASURED_COUNT; i++) {
        if (measured[i]->is_here()) return true;
    }
    return false;
}

/* A Rust program keeps its own data in _rjem_malloc while malloc stays glibc's: then jemalloc's heap is the one that matters. */
bool owner_is_glibc(void) {
    is_glibc = glibc_owns_malloc() && !jemalloc_is_beside_malloc();
    return is_glibc;
}

/* Asking glibc again, from our thread, would make it an arena of its own. */
const struct allocator *owner_find(void) {
    if (is_glibc) return &glibc_allocator;
    for (size_t i = 0; i < MEASURED_COUNT; i++) {
        if (measured[i]->is_here() && measured[i]->is_owner()) return measured[i];
    }
    return NULL;
}

bool owner_is_ready_after_fork(void) { return !tcmalloc_allocator.is_here() || tcmalloc_is_ready_after_fork(); }
