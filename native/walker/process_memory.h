/* The memory of another process, read without stopping it, without faulting its pages in, and at a bounded pace.
 * It leaves making sense of the bytes to arenas.c, chunks.c and mmapped.c. */
#ifndef TIDEMARK_PROCESS_MEMORY_H
#define TIDEMARK_PROCESS_MEMORY_H

#include <stdbool.h>
#include <sys/types.h>

#include "clock.h"
#include "memory.h"
#include "pagemap.h"

/* The largest read. While it runs, the target's mmap and munmap wait for us, so it bounds what we can cost them. */
#define BLOCK_BYTES_MAX 65536
#define PEEK_COUNT_MAX 64

struct process_memory {
    struct memory memory; /* First, so that a struct memory * can be turned back. */
    pid_t pid;
    struct pagemap pagemap;
    struct deadline deadline;
    uint64_t next_block_bytes;
    uint64_t bytes_since_pause;
    unsigned reads_since_pause;
    bool starved; /* The last pause was much longer than asked for. */
    _Alignas(16) unsigned char buffer[BLOCK_BYTES_MAX];
};

enum access process_memory_open(struct process_memory *process, pid_t pid, struct deadline deadline);
/* Closes and wipes: what we read is other people's data. */
void process_memory_close(struct process_memory *process);

/* Reads `count` small pieces at once, each within one page: piece i of `bytes` bytes from addresses[i] to
 * out + i * bytes. pieces[i] says whether it could be had: pages that are not resident are left alone. */
enum access process_memory_peek(struct process_memory *process, const uint64_t *addresses, size_t count, size_t bytes,
                                unsigned char *out, enum access *pieces);

/* Reads one piece of at most a page, which may lie across two. What comes out is the caller's to wipe. */
enum access process_memory_copy(struct process_memory *process, uint64_t address, unsigned char *out, size_t bytes);

#endif
