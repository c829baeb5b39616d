/* A heap profile of the allocator's own, where it keeps samples and whoever started the program allows it.
 * It leaves when to look for a request to relief.c, and how each allocator gives its profile to the file about it. */
#ifndef TIDEMARK_SHIM_PROFILE_H
#define TIDEMARK_SHIM_PROFILE_H

#include <stdbool.h>

#include "allocator.h"

/* Makes a profile and keeps it for the requester. Shim's thread only. */
enum tidemark_outcome profile_make(const struct allocator *allocator, struct tidemark_answer *answer, bool has_own_descriptors);

/* At every look: lets go of a profile that nobody has fetched. */
void profile_expire(void);

/* In a forked child, whose descriptors are others. */
void profile_forget(void);

#endif
