/* What the program itself is, as far as a thread of ours could be in its way.
 * It leaves allocators to owner.h. */
#ifndef TIDEMARK_PROGRAM_H
#define TIDEMARK_PROGRAM_H

#include <stdbool.h>

/* Whether the program changes namespaces or capabilities and has no threads of its own. */
bool program_must_stay_single_threaded(void);

/* Where our thread is: whether the program has one other than it. */
bool program_has_one_thread_but_ours(void);

/* Whether the program's first thread has left, and none of the others is there any more. */
bool program_has_left(void);

/* The code with which the first thread left: 0 by pthread_exit, any by the system call itself. 0 as well when it cannot be
 * read. Only where our descriptors are our own. */
long program_left_with(void);

#endif
