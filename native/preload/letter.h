/* A file in the folder of rings, mapped shared: how a preloaded library leaves what it knows.
 * It leaves the contents to the libraries, and the clean-up to the collector. */
#ifndef TIDEMARK_LETTER_H
#define TIDEMARK_LETTER_H

#include <stdint.h>

struct letter {
    void *mapping;
    char name[64];
};

/* Makes a new file of `bytes` zero bytes, named <pid>-<now in hexadecimal ns><suffix>, in the folder that is open as `folder`
 * (O_PATH will do), maps it shared and leaves no descriptor open. The mapping is left out of core dumps; whether a forked
 * child sees it is up to the caller (MADV_DONTFORK). The mapping is NULL when anything is not as it should be, and then no file
 * is left. Opens a descriptor for a moment: only for threads that share their descriptor table with no other running thread. */
struct letter letter_create(int folder, const char *suffix, uint32_t bytes, uint64_t now_ns);

#endif
