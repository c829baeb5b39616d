/* Asks move_pages(2), which says for each page where it is when it is told no place to move it to, and changes nothing.
 * It needs no more than the right to trace. Source: do_pages_stat in mm/migrate.c of Linux 6.1. */
#include "page_status.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc_file.h"

/* status has some 60 lines; VmSwap is among the first 40. */
#define STATUS_BYTES_MAX 4096

enum access page_status_read(pid_t pid, uint64_t page_bytes, uint64_t first_page, size_t count, uint64_t present, uint64_t absent,
                             uint64_t *entries) {
    const void *pages[PAGE_STATUS_COUNT_MAX];
    int nodes[PAGE_STATUS_COUNT_MAX];
    for (size_t i = 0; i < count; i++) {
        pages[i] = (const void *)(uintptr_t)((first_page + i) * page_bytes);
        nodes[i] = -1;
    }
    if (syscall(SYS_move_pages, pid, count, pages, NULL, nodes, 0) < 0) {
        if (errno == EPERM || errno == EACCES) return ACCESS_DENIED;
        /* EINVAL: it has no memory of its own any more. */
        return errno == ESRCH || errno == EINVAL ? ACCESS_GONE : ACCESS_NO_PAGEMAP;
    }
    /* The node of the page, or an error: -EFAULT also for a page of zeros that no memory has been given to yet. */
    for (size_t i = 0; i < count; i++) entries[i] = nodes[i] >= 0 ? present : absent;
    return ACCESS_OK;
}

bool process_is_swapped(pid_t pid) {
    char text[STATUS_BYTES_MAX];
    uint64_t kib = 0;
    if (proc_file_read(pid, "status", text, sizeof text) < 0) return true;
    const char *line = strstr(text, "\nVmSwap:");
    if (line == NULL) return true;
    line += strlen("\nVmSwap:");
    line += strspn(line, " \t");
    return parse_decimal(line, &kib) == NULL || kib != 0;
}
