/* What the shim can do with an allocator, whichever it is.
 * It leaves telling which one a process uses to owner.c, and when to ask to thread.c. */
#ifndef TIDEMARK_ALLOCATOR_H
#define TIDEMARK_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "../abi/tidemark_abi.h"

/* All but is_here are for the shim's thread alone, when every library has been set up. */
struct allocator {
    enum tidemark_allocator kind;
    /* Whether its library is in the process; looks at addresses only. NULL for glibc, as the next. */
    bool (*is_here)(void);
    /* Whether it owns what malloc gives, by its own count; asked only when it is here. */
    bool (*is_owner)(void);
    /* Version and tunables as the allocator itself tells them; leaves alone what it cannot. */
    void (*describe)(struct tidemark_header *header);
    /* Fills the figures it knows of a record in which all are absent. NULL: it is measured from outside. */
    void (*measure)(struct tidemark_record *record);
    /* Gives free memory back to the kernel. False: it offers nothing. */
    bool (*release)(void);
    /* Writes the allocator's own heap profile, as text in jemalloc's format (heap_v2), to the open file. NULL: it has none. */
    enum tidemark_outcome (*profile)(int file);
};

extern const struct allocator glibc_allocator;
extern const struct allocator jemalloc_allocator;
extern const struct allocator tcmalloc_allocator;
extern const struct allocator google_tcmalloc_allocator;
extern const struct allocator mimalloc_allocator;

/* Whether malloc is glibc's. */
bool glibc_owns_malloc(void);

/* Whether a jemalloc under a prefix is here, with a malloc of its own beside the plain one. */
bool jemalloc_is_beside_malloc(void);

/* Whether a handler of fork that was registered after the first malloc finds tcmalloc's locks free in the child. */
bool tcmalloc_is_ready_after_fork(void);

#endif
