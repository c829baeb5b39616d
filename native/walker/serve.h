/* The request loop of `tidemark-walk --serve`.
 * It leaves measuring to walk.c. */
#ifndef TIDEMARK_SERVE_H
#define TIDEMARK_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* For whoever gives no limit of their own: far beyond what a walk needs on a host that has time for it. */
#define WALL_MS_DEFAULT UINT64_C(60000)

/* Answers each request line "<pid> <cpu_budget_us> [<wall_ms>]" of standard input with one line, until either end is
 * closed. */
void serve(void);

/* Parses a whole word as a pid, or a limit, which is never 0. */
bool parse_pid(const char *text, const char **end, pid_t *pid);
bool parse_limit(const char *text, const char **end, uint64_t *limit);

#endif
