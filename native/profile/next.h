/* The C library's own allocation functions, found once and kept in a table that is then read-only.
 * It leaves calling them to interpose.c. */
#ifndef TIDEMARK_PROFILE_NEXT_H
#define TIDEMARK_PROFILE_NEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Large enough for every page size of the architecture, so that the table has its pages for itself. */
#ifdef __aarch64__
#define NEXT_TABLE_BYTES 65536
#else
#define NEXT_TABLE_BYTES 4096
#endif

union next_table {
    struct {
        void *(*malloc)(size_t);
        void (*free)(void *);
        void *(*calloc)(size_t, size_t);
        void *(*realloc)(void *, size_t);
        void *(*memalign)(size_t, size_t);
        void *(*aligned_alloc)(size_t, size_t);
        int (*posix_memalign)(void **, size_t, size_t);
        void *(*valloc)(size_t);
        void *(*pvalloc)(size_t);
        bool is_glibc; /* All of it is the C library's, and it is glibc, and nobody comes before us. */
    };
    unsigned char pages[NEXT_TABLE_BYTES];
};

extern union next_table next_table;

/* Fills the table, so that no function in it is NULL afterwards. False within itself, and before we are relocated. */
bool next_find(void);
/* Makes the table read-only: a writable pointer behind every malloc is what an attacker looks for. */
void next_protect(void);

#endif
