/* Giving memory back when the collector asks for it and whoever started the program allows it.
 * It leaves how to do it to each allocator, and how often to look to thread.c. */
#ifndef TIDEMARK_RELIEF_H
#define TIDEMARK_RELIEF_H

#include <stdbool.h>

#include "allocator.h"

/* How often to look while it is allowed; also the time over which a process must have been quiet. */
#define RELIEF_LOOK_MS 1000

/* Looks at the request and answers it, now or at a later look. Shim's thread only. */
void relief_look(const struct allocator *allocator, bool has_own_descriptors);

/* In a forked child: no request was ever made of it. */
void relief_forget(void);

#endif
