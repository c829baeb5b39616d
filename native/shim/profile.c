/* Keeps the profile in a file without a name (memfd), open in the descriptor table of the shim's thread alone: the requester
 * finds it under /proc/<pid>/task/<tid>/fd, which opens only to who may read the process's memory anyway.
 * It leaves the contents to the allocators. */
#include "profile.h"

#include <sys/mman.h>

#include "kernel.h"
#include "settings.h"

/* A dump stops threads that are just being sampled, for some milliseconds. */
#define PAUSE_NS (5 * NS_PER_S)
/* Its memory counts as the program's. */
#define KEPT_NS (60 * NS_PER_S)

static int file = -1;
static uint64_t made_ns; /* 0: never. */

static void drop(void) {
    if (file >= 0) (void)system_close(file);
    file = -1;
}

enum tidemark_outcome profile_make(const struct allocator *allocator, struct tidemark_answer *answer, bool has_own_descriptors) {
    if (!settings.is_profile_allowed) return TIDEMARK_OUTCOME_NOT_ALLOWED;
    /* Without a descriptor table of our own the program could close, or see, what is ours. */
    if (!allocator->profile || !has_own_descriptors) return TIDEMARK_OUTCOME_UNSUPPORTED;
    uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
    if (made_ns && start_ns - made_ns < PAUSE_NS) return TIDEMARK_OUTCOME_RATE_LIMITED;
    drop();
    file = (int)SYSTEM_CALL_2(SYS_memfd_create, "tidemark-profile", MFD_CLOEXEC);
    if (file < 0) return TIDEMARK_OUTCOME_FAILED;
    uint64_t cpu_before_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
    enum tidemark_outcome outcome = allocator->profile(file);
    made_ns = clock_now_ns(CLOCK_MONOTONIC);
    answer->cpu_us = (clock_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_before_ns) / 1000;
    answer->duration_us = (made_ns - start_ns) / 1000;
    if (outcome == TIDEMARK_OUTCOME_DONE) return outcome;
    drop();
    made_ns = 0;
    return outcome;
}

void profile_expire(void) {
    if (file >= 0 && clock_now_ns(CLOCK_MONOTONIC) - made_ns > KEPT_NS) drop();
}

void profile_forget(void) {
    file = -1;
    made_ns = 0;
}
