/* The return addresses on the stack of the thread that asks, found without a lock, an allocation or a system call, and so in
 * signal handlers, in children of threaded parents and inside the dynamic linker as well.
 * It leaves what the tables say to cfi.c, and names to who reads the profile. */
#ifndef TIDEMARK_PROFILE_UNWIND_H
#define TIDEMARK_PROFILE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "../abi/tidemark_profile.h"

/* Once, while there is one thread: learns which objects are loaded, and where the first thread's stack ends. */
void unwind_start(void);

/* Fills the stack from the caller of this library on. */
void unwind(struct tidemark_profile_stack *stack);

#endif
