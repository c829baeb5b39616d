/* Chunks that malloc gave a mapping of their own, counted from the start of each anonymous mapping, for a process whose own
 * count (mp_, see libc_data.h) cannot be had. It leaves chunks inside arenas to chunks.c. */
#ifndef TIDEMARK_MMAPPED_H
#define TIDEMARK_MMAPPED_H

#include "maps.h"
#include "process_memory.h"

struct mmapped {
    bool complete; /* False when a limit was met: then the figures are no lower bound worth showing. */
    uint64_t bytes;
    uint64_t count;
};

/* A lower bound: a chunk is missed when its mapping merged with foreign memory in front of it, when its header is in swap,
 * or when realloc changed its size after memalign had aligned it, which leaves the old size at its start. */
enum access mmapped_count(struct process_memory *process, const struct maps *maps, struct mmapped *mmapped);

#endif
