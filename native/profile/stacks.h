/* Each stack that allocated, kept once and for good.
 * It leaves where stacks come from to unwind.c. No lock, as in live.h. */
#ifndef TIDEMARK_PROFILE_STACKS_H
#define TIDEMARK_PROFILE_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "../abi/tidemark_profile.h"

extern struct tidemark_profile_stack stacks[TIDEMARK_PROFILE_STACKS];

/* The index of the stack, new or known; 0 when there is no room, or another thread is about to add the same one. `count` is that
 * of the stacks in use, at least 1. */
uint32_t stacks_intern(const struct tidemark_profile_stack *stack, uint64_t *count);

#endif
