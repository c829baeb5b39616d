/* What happens to the shim when the program forks.
 * It leaves exec, vfork and posix_spawn alone: they run nothing of ours. */
#ifndef TIDEMARK_FORK_H
#define TIDEMARK_FORK_H

#include <stdbool.h>

/* Registers the handlers. After the allocator was used once, so that in a child ours run behind its own. */
bool fork_register(long allowed_seccomp_mode);

/* The thread was started: from now on the handlers act. */
void fork_arm(void);

#endif
