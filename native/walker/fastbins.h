/* Chunks that wait in the arenas' fastbins: live to their neighbours, free to malloc.
 * It leaves chunks in tcache to tcache.c. */
#ifndef TIDEMARK_FASTBINS_H
#define TIDEMARK_FASTBINS_H

#include "arenas.h"

/* Follows the lists of all arenas; `main_heap` is the brk heap, if any. What comes out is unknown when main_arena was not
 * found, when a list is not sound in spite of some tries, or when the lists are too long for what this walk may cost. */
struct parked fastbins_count(struct process_memory *process, const struct arenas *arenas, struct range main_heap,
                             uint64_t heap_bytes);

#endif
