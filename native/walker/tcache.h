/* Chunks that wait in the threads' caches: live to the heap, free to the program.
 * It leaves the form of a cache to tcache_layout.c, and chunks in fastbins to fastbins.c. */
#ifndef TIDEMARK_TCACHE_H
#define TIDEMARK_TCACHE_H

#include "process_memory.h"
#include "tcache_note.h"

/* Reads the candidates again, and counts those whose every list begins with a chunk of the right size. What comes out is
 * unknown when there are too many, or no cache at all, or when the walk may go on no longer. */
struct parked tcache_count(struct process_memory *process, struct tcache_candidates *candidates);

#endif
