/* The request loop of `tidemark-walk --serve`.
 * It leaves measuring to walk.c. */
#ifndef TIDEMARK_SERVE_H
#define TIDEMARK_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Answers each request line "<pid> <cpu_budget_us>" of standard input with one line, until either end is closed. */
void serve(void);

/* Parses a whole word as a pid, or a CPU budget. */
bool parse_pid(const char *text, const char **end, pid_t *pid);
bool parse_budget(const char *text, const char **end, uint64_t *budget_us);

#endif
