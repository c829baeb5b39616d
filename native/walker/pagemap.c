/* Reads /proc/<pid>/pagemap in aligned windows and counts resident pages.
 * It leaves budgets and pacing to process_memory.c. Source: Documentation/admin-guide/mm/pagemap.rst of Linux 6.1. */
#include "pagemap.h"

#include <errno.h>
#include <unistd.h>

#include "clock.h"
#include "page_status.h"
#include "proc_file.h"

#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
/* Long enough to serve some blocks of a paced walk with one look, short enough that reclaim rarely comes between. */
#define PAGEMAP_FRESH_NS UINT64_C(1000000)

enum access pagemap_open(struct pagemap *pagemap, pid_t pid, uint64_t page_bytes) {
    pagemap->page_bytes = page_bytes;
    pagemap->windows[0].loaded_ns = 0;
    pagemap->windows[1].loaded_ns = 0;
    pagemap->pid = pid;
    pagemap->file = proc_file_open(pid, "pagemap");
    if (pagemap->file >= 0) return ACCESS_OK;
    if (errno == EACCES || errno == EPERM) {
        pagemap->absent_entry = process_is_swapped(pid) ? PAGE_SWAPPED : 0;
        return pagemap_still_there(pagemap);
    }
    return errno == ESRCH ? ACCESS_GONE : ACCESS_NO_PAGEMAP;
}

void pagemap_close(struct pagemap *pagemap) {
    if (pagemap->file >= 0) close(pagemap->file);
    pagemap->file = -1;
}

static enum access read_entries(struct pagemap *pagemap, uint64_t page, uint64_t *entries, size_t count) {
    ssize_t got;
    if (pagemap->file < 0) {
        return page_status_read(pagemap->pid, pagemap->page_bytes, page, count, PAGE_PRESENT, pagemap->absent_entry, entries);
    }
    do {
        got = pread(pagemap->file, entries, count * sizeof *entries, (off_t)(page * sizeof *entries));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EPERM || errno == EACCES ? ACCESS_NO_PAGEMAP : ACCESS_ABSENT;
    /* Reading ends early at the end of the address space; at its start that means that the address space is gone. */
    if (got == 0) return ACCESS_GONE;
    memset((char *)entries + got, 0, count * sizeof *entries - (size_t)got);
    return ACCESS_OK;
}

static enum access window_at(struct pagemap *pagemap, uint64_t page, uint64_t max_age_ns, const struct pagemap_window **out) {
    uint64_t first = align_down(page, PAGEMAP_WINDOW_ENTRIES);
    struct pagemap_window *window = &pagemap->windows[first / PAGEMAP_WINDOW_ENTRIES % 2];
    bool usable = window->loaded_ns != 0 && window->first_page == first;
    if (!usable || (max_age_ns != 0 && monotonic_ns() - window->loaded_ns > max_age_ns)) {
        window->loaded_ns = 0;
        enum access access = read_entries(pagemap, first, window->entries, PAGEMAP_WINDOW_ENTRIES);
        if (access != ACCESS_OK) return access;
        window->first_page = first;
        window->loaded_ns = monotonic_ns();
    }
    *out = window;
    return ACCESS_OK;
}

enum access pagemap_still_there(struct pagemap *pagemap) {
    uint64_t entry;
    return read_entries(pagemap, 0, &entry, 1);
}

enum access pagemap_run(struct pagemap *pagemap, uint64_t address, uint64_t pages_max, uint64_t *pages) {
    uint64_t page = address / pagemap->page_bytes;
    *pages = 0;
    while (*pages < pages_max) {
        const struct pagemap_window *window;
        enum access access = window_at(pagemap, page, PAGEMAP_FRESH_NS, &window);
        if (access != ACCESS_OK) return access;
        uint64_t entry = window->entries[page % PAGEMAP_WINDOW_ENTRIES];
        if (!(entry & PAGE_PRESENT)) {
            if (*pages != 0) return ACCESS_OK;
            return entry & PAGE_SWAPPED ? ACCESS_SWAPPED : ACCESS_ABSENT;
        }
        page++;
        ++*pages;
    }
    return ACCESS_OK;
}

enum access pagemap_count(struct pagemap *pagemap, uint64_t from, uint64_t to, uint64_t *bytes) {
    uint64_t page = from / pagemap->page_bytes;
    uint64_t page_end = to / pagemap->page_bytes;
    while (page < page_end) {
        const struct pagemap_window *window;
        enum access access = window_at(pagemap, page, 0, &window);
        if (access != ACCESS_OK) return access;
        uint64_t window_end = window->first_page + PAGEMAP_WINDOW_ENTRIES;
        uint64_t stop = page_end < window_end ? page_end : window_end;
        uint64_t resident = 0;
        for (; page < stop; page++) resident += window->entries[page % PAGEMAP_WINDOW_ENTRIES] >> 63;
        *bytes += resident * pagemap->page_bytes;
    }
    return ACCESS_OK;
}
