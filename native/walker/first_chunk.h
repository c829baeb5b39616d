/* Where the chunks of the brk heap begin.
 * It leaves walking them to chunks.c. */
#ifndef TIDEMARK_FIRST_CHUNK_H
#define TIDEMARK_FIRST_CHUNK_H

#include "chunks.h"

/* Moves region->start and first_chunk behind memory that someone else took with brk before malloc did: the TLS block of a
 * static program (_dl_early_allocate). Leaves the region as it is when no chunk is found: then the walk says why. */
enum access first_chunk_find(struct memory *memory, struct heap_region *region);

#endif
