/* What tcmalloc.c and tcmalloc_profile.c know of each other.
 * It leaves the rest of the shim to allocator.h. */
#ifndef TIDEMARK_TCMALLOC_H
#define TIDEMARK_TCMALLOC_H

#include "allocator.h"

enum tidemark_outcome tcmalloc_profile(int file);

#endif
