/* Which allocations are sampled, and what is noted of them.
 * It leaves handing on the calls to interpose.c. */
#ifndef TIDEMARK_PROFILE_SAMPLE_H
#define TIDEMARK_PROFILE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live.h"

/* Bytes that this thread allocates until its next sample. 0 in a new thread, whose first allocation draws the distance. Static
 * thread-local storage: reading it calls nothing, from a thread's first instruction to its last. */
extern _Thread_local uint64_t sample_bytes_left __attribute__((tls_model("initial-exec")));

/* The allocation goes past the end of the distance: draws the next one. True: sample this allocation, when it has been made. */
bool sample_is_due(size_t bytes);
/* Notes a block that was just given out and that nobody else knows of yet. Touches no errno. */
void sample_add(const void *memory, size_t bytes);
/* Forgets a block before it is freed, and puts back one that was not freed after all. */
bool sample_remove(const void *memory, struct live_sample *sample);
void sample_put_back(const void *memory, struct live_sample sample);

/* Once, while there is one thread. `random` seeds the distances. */
void sample_start(uint64_t mean_bytes, uint64_t random);
void sample_stay_out(enum tidemark_profile_state why);

#endif
