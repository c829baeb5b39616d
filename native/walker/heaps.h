/* All heaps of a process, walked one after the other: the brk heap of the main arena, then those of the thread arenas.
 * It leaves finding them to arenas.c and libc_data.c, and each single one to chunks.c. */
#ifndef TIDEMARK_HEAPS_H
#define TIDEMARK_HEAPS_H

#include "arenas.h"

/* The brk heap as maps and stat tell it, where it begins malloc's; start == end when there is none. */
struct range heaps_brk_range(const struct maps *maps, uint64_t start_brk);

/* Walks the brk heap at `brk` and all of `arenas`, and fills the figures of *result. Ends of heaps that moved meanwhile are
 * brought up to date in both. */
enum walk_reason heaps_walk(struct process_memory *process, struct range *brk, struct arenas *arenas, struct walk_result *result);

#endif
