/* glibc's mp_ (struct malloc_par), which counts mmapped chunks itself, recognised around its sbrk_base.
 * It leaves finding candidates to libc_data.c. */
#ifndef TIDEMARK_MALLOC_PAR_H
#define TIDEMARK_MALLOC_PAR_H

#include <stdbool.h>
#include <stdint.h>

/* What is needed of mp_ before and behind sbrk_base. */
#define MALLOC_PAR_BYTES_BEFORE 48
#define MALLOC_PAR_BYTES 80

/* The counts of the mp_ whose sbrk_base is at bytes + MALLOC_PAR_BYTES_BEFORE, or false when it cannot be one. The figures
 * are those of mallinfo2's hblkhd and hblks. `mmapped_bytes_max` is the most that the process can have mapped. */
bool malloc_par_read(const unsigned char *bytes, uint64_t mmapped_bytes_max, uint64_t *mmapped_bytes, uint64_t *mmapped_count);

#endif
