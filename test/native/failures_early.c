/* A preloaded library that allocates before any other constructor has run, keeps it, and gives it back at the end.
 * It leaves being early to its place in LD_PRELOAD, which the test changes. */
#include <stdint.h>
#include <stdlib.h>

static void *kept[4];

__attribute__((constructor)) static void allocate(void) {
    kept[0] = malloc(1000);
    kept[1] = calloc(3, 1000);
    kept[2] = realloc(malloc(10), 5000);
    kept[3] = aligned_alloc(64, 128);
    for (int i = 0; i < 4; i++) {
        if (kept[i] == NULL) abort();
    }
}

__attribute__((destructor)) static void release(void) {
    for (int i = 0; i < 4; i++) free(kept[i]);
}
