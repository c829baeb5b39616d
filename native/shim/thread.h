/* The shim's own thread: it alone asks the allocator, and waits in between.
 * It leaves starting it in the right processes to entry.c and fork.c. */
#ifndef TIDEMARK_THREAD_H
#define TIDEMARK_THREAD_H

#include <stdbool.h>

/* Starts the thread of this process. False: it could not be, and then nothing was done. Only where no other thread runs. */
bool thread_start(long allowed_seccomp_mode);

/* Around a fork: no measurement or relief is under way in between, unless one takes longer than a fork may wait.
 * Gives whether the lock was taken, which is what thread_resume wants to know. */
bool thread_pause(void);
void thread_resume(void);

/* In a forked child, where the thread is not. */
void thread_forget(void);

#endif
