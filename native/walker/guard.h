/* An end for walks that cannot end themselves, because the kernel makes them wait.
 * It leaves limits that a walk can keep by itself to walk.c. */
#ifndef TIDEMARK_GUARD_H
#define TIDEMARK_GUARD_H

#include "walk.h"

/* As walk_process. The process dies of SIGALRM when the walk is not over well after its wall time: whoever asked sees that
 * the walker has ended, and starts another one. */
void walk_guarded(pid_t pid, struct walk_limits limits, struct walk_result *result);

#endif
