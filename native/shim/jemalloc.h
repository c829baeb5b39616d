/* How jemalloc's files talk to it: by mallctl and its faster sisters, under whichever prefix they go.
 * It leaves names and figures to jemalloc.c and jemalloc_tunables.c. Source: man 3 jemalloc, src/ctl.c of 4.0 to 5.3. */
#ifndef TIDEMARK_JEMALLOC_H
#define TIDEMARK_JEMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../abi/tidemark_abi.h"

struct jemalloc_calls {
    int (*mallctl)(const char *name, void *old, size_t *old_bytes, void *new_value, size_t new_bytes);
    int (*name_to_mib)(const char *name, size_t *mib, size_t *length);
    int (*by_mib)(const size_t *mib, size_t length, void *old, size_t *old_bytes, void *new_value, size_t new_bytes);
    void *(*malloc)(size_t bytes);
    void (*free)(void *memory);
};

/* Those of the jemalloc that was found to be the owner. */
const struct jemalloc_calls *jemalloc_calls(void);

bool jemalloc_is_here(void);

/* Whether it counts what its malloc gives: proof that it is the owner, and from then on the one that is talked to. */
bool jemalloc_is_owner(void);

/* Reads a value of exactly `bytes` bytes; false when there is no such name or it has another size. */
bool jemalloc_read(const char *name, void *value, size_t bytes);

/* Writes "name=value name=value" of the options in effect. */
void jemalloc_tunables(char *bytes, size_t size);

enum tidemark_outcome jemalloc_profile(int file);

#endif
