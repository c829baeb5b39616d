/* Small helpers for files below /proc/<pid>: opening, reading a short one whole, and numbers.
 * It leaves the meaning of each file to its reader. */
#ifndef TIDEMARK_PROC_FILE_H
#define TIDEMARK_PROC_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file descriptor, or -1 with errno. `name` is for example "maps". */
int proc_file_open(pid_t pid, const char *name);

/* Reads at most size - 1 bytes and ends them with NUL. Returns the length, or -1 with errno. */
ssize_t proc_file_read(pid_t pid, const char *name, char *text, size_t size);

/* Parse a number and return the character behind it, or NULL when there is no digit or it does not fit 64 bits. */
const char *parse_decimal(const char *text, uint64_t *number);
const char *parse_hex(const char *text, uint64_t *number);

#endif
