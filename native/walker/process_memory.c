/* Paced reading of another process with process_vm_readv(2), only from pages that pagemap says are resident.
 * It leaves retries to retry.c. */
#include "process_memory.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "chunks.h"
#include "maps.h"

/* Without a pause the target's mmap waits up to 4 ms for the lock that we take again and again; with it, 0.1 ms. */
#define PAUSE_NS 20000
#define PAUSE_AFTER_BYTES BLOCK_BYTES_MAX
#define PAUSE_AFTER_READS 32
/* A pause that took this long means that the CPUs are busy: everybody else had a turn, and at one block a turn a large heap
 * would take minutes. So this many blocks are read in the next one, which is some 0.3 ms. */
#define STARVED_NS 500000
#define BLOCKS_WHEN_STARVED 8
#define SETTLE_NS 100000

static enum access access_of_errno(int error) {
    if (error == ESRCH) return ACCESS_GONE;
    return error == EPERM ? ACCESS_DENIED : ACCESS_ABSENT;
}

static enum access pace(struct process_memory *process) {
    if (deadline_passed(&process->deadline)) return ACCESS_BUDGET;
    unsigned share = process->starved ? BLOCKS_WHEN_STARVED : 1;
    bool due = process->bytes_since_pause >= share * PAUSE_AFTER_BYTES || process->reads_since_pause >= share * PAUSE_AFTER_READS;
    if (!due) return ACCESS_OK;
    uint64_t start_ns = monotonic_ns();
    pause_ns(PAUSE_NS);
    process->starved = monotonic_ns() - start_ns >= STARVED_NS;
    process->bytes_since_pause = 0;
    process->reads_since_pause = 0;
    return ACCESS_OK;
}

/* Chunks that follow each other closely are worth large blocks; behind a large chunk one page is enough, until
 * reading turns out to be sequential again. */
static void choose_block_bytes(struct process_memory *process, uint64_t page) {
    const struct memory *memory = &process->memory;
    /* The next block begins behind this one, or with its last chunk. */
    uint64_t end = memory->block_start + memory->block_bytes;
    bool sequential = memory->block_bytes != 0 && page <= end && page + memory->page_bytes >= end;
    if (!sequential) {
        process->next_block_bytes = memory->page_bytes;
    } else if (process->next_block_bytes < BLOCK_BYTES_MAX) {
        process->next_block_bytes *= 2;
    }
}

static enum access load(struct memory *memory, uint64_t address, uint64_t limit) {
    struct process_memory *process = (struct process_memory *)memory;
    uint64_t page = align_down(address, memory->page_bytes);
    choose_block_bytes(process, page);
    memory_drop_block(memory);
    enum access access = pace(process);
    if (access != ACCESS_OK) return access;
    uint64_t want = align_up(limit, memory->page_bytes) - page;
    if (want > process->next_block_bytes) want = process->next_block_bytes;
    uint64_t pages;
    access = pagemap_run(&process->pagemap, page, want / memory->page_bytes, &pages);
    if (access != ACCESS_OK) return access;
    struct iovec local = {.iov_base = process->buffer, .iov_len = pages * memory->page_bytes};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)page, .iov_len = pages * memory->page_bytes};
    ssize_t got = process_vm_readv(process->pid, &local, 1, &remote, 1, 0);
    process->reads_since_pause++;
    if (got < 0) return access_of_errno(errno);
    if ((uint64_t)got <= address - page) return ACCESS_ABSENT;
    process->bytes_since_pause += (uint64_t)got;
    memory->block = process->buffer;
    memory->block_start = page;
    memory->block_bytes = align_down((uint64_t)got, 16); /* Whole headers only. */
    return ACCESS_OK;
}

static enum access count_resident(struct memory *memory, uint64_t from, uint64_t to, uint64_t *bytes) {
    struct process_memory *process = (struct process_memory *)memory;
    /* A span this large takes several windows, so the budget is looked at between parts of it. */
    const uint64_t part_bytes = 64 * PAGEMAP_WINDOW_ENTRIES * memory->page_bytes;
    while (to - from > part_bytes) {
        enum access access = pagemap_count(&process->pagemap, from, from + part_bytes, bytes);
        if (access == ACCESS_OK) access = pace(process);
        if (access != ACCESS_OK) return access;
        from += part_bytes;
    }
    return pagemap_count(&process->pagemap, from, to, bytes);
}

static uint64_t region_end(struct memory *memory, const struct heap_region *region) {
    struct process_memory *process = (struct process_memory *)memory;
    if (region->main_arena) {
        uint64_t end = maps_heap_end(process->pid);
        return end == 0 ? region->end : end;
    }
    /* heap_info.size, the third word; see arenas.c. */
    uint64_t address = region->start + 16;
    unsigned char word[8];
    enum access piece;
    enum access access = process_memory_peek(process, &address, 1, sizeof word, word, &piece);
    if (access != ACCESS_OK || piece != ACCESS_OK) return region->end;
    uint64_t bytes = word_at(word);
    explicit_bzero(word, sizeof word);
    bool plausible = bytes != 0 && bytes <= ARENA_HEAP_BYTES_MAX && bytes % memory->page_bytes == 0;
    return plausible ? region->start + bytes : region->end;
}

static void settle(struct memory *memory, unsigned attempt) {
    (void)memory;
    pause_ns((uint64_t)SETTLE_NS << (attempt < 8 ? attempt : 8));
}

enum access process_memory_open(struct process_memory *process, pid_t pid, struct deadline deadline) {
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    process->memory = (struct memory){
        .page_bytes = page_bytes,
        /* A block must hold the page that the chunk begins in and the one behind it. */
        .overlap_bytes_max = 2 * page_bytes <= BLOCK_BYTES_MAX ? page_bytes : 0,
        .load = load,
        .count_resident = count_resident,
        .region_end = region_end,
        .settle = settle,
    };
    process->pid = pid;
    process->deadline = deadline;
    process->next_block_bytes = page_bytes;
    process->bytes_since_pause = 0;
    process->reads_since_pause = 0;
    process->starved = false;
    return pagemap_open(&process->pagemap, pid, page_bytes);
}

void process_memory_close(struct process_memory *process) {
    pagemap_close(&process->pagemap);
    explicit_bzero(process->buffer, sizeof process->buffer);
}

/* Reads pieces [first, count) until one fails, and returns the index behind the last one read. The kernel says only how
 * many bytes it copied in all, and copies each piece whole or not at all because none crosses a page. */
static size_t peek_some(struct process_memory *process, const struct iovec *local, const struct iovec *remote, size_t first,
                        size_t count, size_t bytes, enum access *access) {
    ssize_t got = process_vm_readv(process->pid, local + first, count - first, remote + first, count - first, 0);
    process->reads_since_pause += (unsigned)(count - first);
    if (got >= 0) return first + (size_t)got / bytes;
    enum access failure = access_of_errno(errno);
    if (failure != ACCESS_ABSENT) *access = failure;
    return first;
}

enum access process_memory_peek(struct process_memory *process, const uint64_t *addresses, size_t count, size_t bytes,
                                unsigned char *out, enum access *pieces) {
    struct iovec local[PEEK_COUNT_MAX];
    struct iovec remote[PEEK_COUNT_MAX];
    size_t piece[PEEK_COUNT_MAX];
    size_t resident = 0;
    enum access access = pace(process);
    for (size_t i = 0; i < count && access == ACCESS_OK; i++) {
        uint64_t pages;
        pieces[i] = pagemap_run(&process->pagemap, addresses[i], 1, &pages);
        if (pieces[i] == ACCESS_OK) {
            pieces[i] = ACCESS_ABSENT; /* Until it is read. */
            local[resident] = (struct iovec){out + i * bytes, bytes};
            remote[resident] = (struct iovec){(void *)(uintptr_t)addresses[i], bytes};
            piece[resident++] = i;
        } else if (pieces[i] != ACCESS_ABSENT && pieces[i] != ACCESS_SWAPPED) {
            access = pieces[i];
        }
    }
    for (size_t next = 0; next < resident && access == ACCESS_OK;) {
        size_t reached = peek_some(process, local, remote, next, resident, bytes, &access);
        for (; next < reached; next++) pieces[piece[next]] = ACCESS_OK;
        next++; /* The piece that failed, if any, stays absent. */
    }
    return access;
}

enum access process_memory_copy(struct process_memory *process, uint64_t address, unsigned char *out, size_t bytes) {
    enum access piece = ACCESS_OK;
    uint64_t page_left = process->memory.page_bytes - address % process->memory.page_bytes;
    size_t first_bytes = page_left < bytes ? (size_t)page_left : bytes;
    enum access access = process_memory_peek(process, &address, 1, first_bytes, out, &piece);
    if (access == ACCESS_OK && piece == ACCESS_OK && first_bytes < bytes) {
        uint64_t rest = address + first_bytes;
        access = process_memory_peek(process, &rest, 1, bytes - first_bytes, out + first_bytes, &piece);
    }
    return access != ACCESS_OK ? access : piece;
}
