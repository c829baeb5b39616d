/* The counters of a family of processes: the one that was started and all that it forks. They lie in a file that the collector
 * reads. It leaves to its callers what counts as a failure. No lock and no system call: a failure may be counted in a signal
 * handler, in the child of a process with many threads, or under a filter that the program has taken on and that kills. */
#include "count.h"

#include <fcntl.h>
#include <stdint.h>
#include <time.h>

#include "../abi/tidemark_abi.h"
#include "../preload/letter.h"
#include "../preload/syscall.h"
#include "next.h"
#include "surroundings.h"

/* NULL until the start, and for good where we cannot work: then nothing is counted. The mapping is shared and stays with every
 * forked child, because a child could not make a file of its own without system calls. man 2 fork. */
static struct tidemark_failures *counters;

/* The coarse clock is read from memory and never by a system call (lib/vdso/gettimeofday.c of Linux: do_coarse). 0 without a
 * vDSO: absent. */
static uint64_t now_ms(void) {
    struct timespec now = {0};
    if (next_table.clock != NULL) (void)next_table.clock(CLOCK_REALTIME_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t now_ns(void) {
    struct timespec now = {0};
    (void)SYSTEM_CALL_2(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct tidemark_failures *make_file(int folder) {
    uint64_t started_ns = now_ns();
    struct tidemark_header *header = letter_create(folder, ".failures", TIDEMARK_FAILURES_FILE_BYTES, started_ns).mapping;
    if (header == NULL) return NULL;
    header->abi_version = TIDEMARK_ABI_VERSION;
    header->kind = TIDEMARK_KIND_FAILURES;
    header->file_bytes = TIDEMARK_FAILURES_FILE_BYTES;
    header->header_bytes = TIDEMARK_FAILURES_OFFSET;
    header->pid = (uint32_t)SYSTEM_CALL_1(SYS_getpid, 0);
    header->started_ns = started_ns;
    /* The magic last: a reader that sees it sees all of the above. */
    uint64_t magic;
    __builtin_memcpy(&magic, TIDEMARK_ABI_MAGIC, sizeof magic);
    __atomic_store_n((uint64_t *)(void *)header->magic, magic, __ATOMIC_RELEASE);
    return (struct tidemark_failures *)((char *)header + TIDEMARK_FAILURES_OFFSET);
}

static unsigned bin_of(size_t bytes) {
    if (bytes < 32) return 0;
    unsigned bin = 63 - (unsigned)__builtin_clzl(bytes) - 4;
    return bin < TIDEMARK_SIZE_BIN_COUNT ? bin : TIDEMARK_SIZE_BIN_COUNT - 1;
}

void count_failure(size_t bytes, int error) {
    struct tidemark_failures *family = __atomic_load_n(&counters, __ATOMIC_ACQUIRE);
    if (family == NULL) return;
    __atomic_store_n(&family->failed_at_ms, now_ms(), __ATOMIC_RELAXED);
    __atomic_store_n(&family->failed_bytes, bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&family->failed_errno, (uint64_t)error, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&family->count_by_size[bin_of(bytes)], 1, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&family->failure_count, 1, __ATOMIC_RELAXED);
}

void count_start(const char *folder_name, bool filter_known) {
    if (folder_name[0] != '/') return;
    int folder = system_open_at(AT_FDCWD, folder_name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (folder < 0) return;
    long mode = read_seccomp_mode();
    if (mode == 0 || (mode > 0 && filter_known)) __atomic_store_n(&counters, make_file(folder), __ATOMIC_RELEASE);
    (void)system_close(folder);
}
