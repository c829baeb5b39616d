/* Which process a pid means right now, so that a pid that was reused, or a process that called exec, is not mistaken.
 * It leaves naming the process to the collector. */
#ifndef TIDEMARK_IDENTITY_H
#define TIDEMARK_IDENTITY_H

#include "walk.h"

struct identity {
    uint64_t start_ticks; /* Field 22 of stat. */
    uint64_t start_brk;   /* Field 47: where the brk heap begins, chosen anew at every exec; 0 when we may not know. */
};

/* WALK_OK, WALK_GONE (also for zombies), WALK_NO_HEAP (threads of the kernel) or WALK_DENIED. Source: man 5 proc_pid_stat, fs/proc/array.c of Linux 6.1. */
enum walk_reason identity_read(pid_t pid, struct identity *identity);

#endif
