/* Which pages of a process are resident, where /proc/<pid>/pagemap may not be opened: it belongs to the process's user, and
 * CAP_SYS_PTRACE does not open other users' files. It leaves remembering the answers to pagemap.c. */
#ifndef TIDEMARK_PAGE_STATUS_H
#define TIDEMARK_PAGE_STATUS_H

#include <sys/types.h>

#include "memory.h"

#define PAGE_STATUS_COUNT_MAX 512

/* Sets entries[i] to `present` when page first_page + i is resident, otherwise to `absent`. ACCESS_DENIED without
 * CAP_SYS_PTRACE over another user's process, ACCESS_NO_PAGEMAP where the kernel cannot tell. */
enum access page_status_read(pid_t pid, uint64_t page_bytes, uint64_t first_page, size_t count, uint64_t present, uint64_t absent,
                             uint64_t *entries);

/* Whether a part of the process is in swap; then a page that is not resident may be, as page_status_read cannot tell. */
bool process_is_swapped(pid_t pid);

#endif
