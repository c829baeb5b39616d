/* The counters of a family of processes: the one that was started and all that it forks. They lie in a file that the collector
 * reads. It leaves to its callers what counts as a failure. */
#ifndef TIDEMARK_FAILURES_COUNT_H
#define TIDEMARK_FAILURES_COUNT_H

#include <stdbool.h>
#include <stddef.h>

/* Safe wherever malloc is, in signal handlers, and under any filter: makes no system call. Touches no errno. `error` is what the
 * program is told. */
__attribute__((cold)) void count_failure(size_t bytes, int error);
/* Once, while there is one thread: makes the file in that folder. All who are forked from this process count there too, until
 * they execute a program, whose start makes the next file. So every start leaves 4 KB even where nothing fails: to make the
 * file at the first failure, or to remove it at the end, would be a system call that a filter may punish with death. The
 * collector removes it once no process maps it. Under a seccomp filter nothing happens, unless whoever starts the program
 * vouches for the filter (filter_known). */
void count_start(const char *folder_name, bool filter_known);

#endif
