/* The definitions that a program would have used without us, found once and kept in a table that is then read-only.
 * It leaves calling them to allocation.c and operator_new.c. */
#ifndef TIDEMARK_FAILURES_NEXT_H
#define TIDEMARK_FAILURES_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../preload/symbols.h"
#include "surroundings.h"

/* Large enough for every page size of the architecture, so that the table has its pages for itself. */
#ifdef __aarch64__
#define NEXT_TABLE_BYTES 65536
#else
#define NEXT_TABLE_BYTES 4096
#endif

/* The order of the table's first entries; operator_new.c has the numbers in its assembler. */
enum new_form {
    NEW_PLAIN,
    NEW_ARRAY,
    NEW_ALIGNED,
    NEW_ARRAY_ALIGNED,
    NEW_NOTHROW,
    NEW_ARRAY_NOTHROW,
    NEW_ALIGNED_NOTHROW,
    NEW_ARRAY_ALIGNED_NOTHROW,
    NEW_FORM_COUNT
};

/* All wrapped functions, ourselves, and the allocator's whole object. */
#define NEXT_RANGE_COUNT (9 + NEW_FORM_COUNT + 2)

/* Any operator new: what a form has no parameter for is passed in vain, which both architectures' calling conventions allow. */
typedef void *new_function(size_t bytes, uintptr_t second, uintptr_t third);

union next_table {
    struct {
        new_function *operator_new[NEW_FORM_COUNT];
        void *(*malloc)(size_t);
        void *(*calloc)(size_t, size_t);
        void *(*realloc)(void *, size_t);
        void *(*reallocarray)(void *, size_t, size_t);
        void *(*memalign)(size_t, size_t);
        void *(*aligned_alloc)(size_t, size_t);
        int (*posix_memalign)(void **, size_t, size_t);
        void *(*valloc)(size_t);
        void *(*pvalloc)(size_t);
        bool new_is_the_allocators[NEW_FORM_COUNT]; /* Of the object that has malloc: it will not come through our malloc. */
        bool is_shadowed; /* The program, or a library preloaded before us, has its own malloc: ours is not called. */
        struct range internal[NEXT_RANGE_COUNT]; /* Code that next_is_internal knows; 0 bytes where there is less of it. */
        vdso_clock_gettime *clock; /* The kernel's, not an allocation function; here because it wants protection too. */
    };
    unsigned char pages[NEXT_TABLE_BYTES];
};

extern union next_table next_table;

/* Fills the table, so that no function of C in it is NULL afterwards. NULL within itself, and before we are relocated. */
const union next_table *next_find(void);
/* Makes the table read-only: a writable pointer behind every malloc is what an attacker looks for. */
void next_protect(void);
/* True for an address within the allocator: musl's calloc calls malloc, jemalloc's aligned operator new calls aligned_alloc.
 * What such a one asks of us is not counted, because the program's own request is. */
bool next_is_internal(uintptr_t caller);
/* An operator new that came with a library after the start: that of the object with this address, else the first one loaded. */
new_function *next_late_new(enum new_form form, uintptr_t caller);
/* The function of that name in the object that holds this address, or 0. */
uintptr_t next_function_beside(uintptr_t address, const char *name);

#endif
