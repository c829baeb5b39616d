/* Which allocator a process uses.
 * It leaves what each one can tell to its own file. */
#ifndef TIDEMARK_OWNER_H
#define TIDEMARK_OWNER_H

#include <stdbool.h>

#include "allocator.h"

/* Whether an allocator that the shim measures is loaded; looks at addresses only. */
bool owner_can_be_measured(void);

/* Whether glibc's is the one that is used. Calls malloc; to be asked once, before main, when not every other allocator is ready
 * to answer yet. */
bool owner_is_glibc(void);

/* The allocator of this process, or NULL when unknown. Shim's thread only. */
const struct allocator *owner_find(void);

/* Whether a forked child may allocate in our handler of fork. */
bool owner_is_ready_after_fork(void);

#endif
