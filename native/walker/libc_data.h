/* What glibc's malloc keeps in libc's writable data: main_arena, and mp_, which counts mmapped chunks.
 * It leaves the thread arenas, and the heaps, to arenas.c. */
#ifndef TIDEMARK_LIBC_DATA_H
#define TIDEMARK_LIBC_DATA_H

#include "arenas.h"
#include "mmapped.h"

/* Looks for main_arena, unless a thread arena has led to it already, and for mp_, and fills arenas->main, arenas->layout
 * and *mmapped (complete only when mp_ was found). `heap` is the brk heap: a main arena is believed only when its top is
 * in there, or when there is no brk heap. WALK_OK also when nothing is found, but WALK_SWAPPED when main_arena may be in
 * swap. */
enum walk_reason libc_data_read(struct process_memory *process, const struct maps *maps, struct range heap,
                                struct arenas *arenas, struct mmapped *mmapped);

#endif
