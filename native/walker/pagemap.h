/* Which pages of a process are resident, from /proc/<pid>/pagemap, through two small cached windows.
 * It leaves deciding what may be read to process_memory.c. */
#ifndef TIDEMARK_PAGEMAP_H
#define TIDEMARK_PAGEMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "memory.h"

/* 4 KiB of entries: 2 MiB of address space with 4 KiB pages, the stretch that the kernel answers under one lock. */
#define PAGEMAP_WINDOW_ENTRIES 512

struct pagemap_window {
    uint64_t first_page; /* Page number, a multiple of PAGEMAP_WINDOW_ENTRIES. */
    uint64_t loaded_ns;  /* 0 when empty. */
    uint64_t entries[PAGEMAP_WINDOW_ENTRIES];
};

/* Even and odd windows have a slot each, so that reading ahead does not evict the window that is being accounted for. */
struct pagemap {
    int file; /* -1 when the pages are asked for one by one; see page_status.h. */
    pid_t pid;
    uint64_t absent_entry; /* What stands for a page that is not resident, without a file. */
    uint64_t page_bytes;
    struct pagemap_window windows[2];
};

/* Binds to the address space that the process has now: after exec or exit, reads end in ACCESS_GONE. Another user's pagemap
 * cannot be opened with CAP_SYS_PTRACE alone; then the process is asked for by its pid, and only exit is noticed. */
enum access pagemap_open(struct pagemap *pagemap, pid_t pid, uint64_t page_bytes);
void pagemap_close(struct pagemap *pagemap);

/* ACCESS_GONE when the address space we opened has ended. */
enum access pagemap_still_there(struct pagemap *pagemap);

/* Whether the page of `address` is resident, and how many behind it as well, at most `pages_max` in all: at least 1
 * with ACCESS_OK. The answer is fresh (PAGEMAP_FRESH_NS), because reading a page that is not there would fault it in. */
enum access pagemap_run(struct pagemap *pagemap, uint64_t address, uint64_t pages_max, uint64_t *pages);

/* Adds the resident bytes of the pages in [from, to) to *bytes. The pages may have been looked up some time ago. */
enum access pagemap_count(struct pagemap *pagemap, uint64_t from, uint64_t to, uint64_t *bytes);

#endif
