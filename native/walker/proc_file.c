/* Opens and reads files below /proc/<pid>, with no allocation.
 * It leaves streaming through the large ones to maps.c and pagemap.c. */
#include "proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int proc_file_open(pid_t pid, const char *name) {
    char path[64];
    int length = snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

ssize_t proc_file_read(pid_t pid, const char *name, char *text, size_t size) {
    int file = proc_file_open(pid, name);
    if (file < 0) return -1;
    size_t length = 0;
    while (length < size - 1) {
        ssize_t got = read(file, text + length, size - 1 - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            int saved = errno;
            close(file);
            errno = saved;
            return -1;
        }
        if (got == 0) break;
        length += (size_t)got;
    }
    close(file);
    text[length] = '\0';
    return (ssize_t)length;
}

static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return 16;
}

static const char *parse_number(const char *text, unsigned base, uint64_t *number) {
    uint64_t value = 0;
    const char *at = text;
    for (; (unsigned)digit_value(*at) < base; at++) {
        if (value > (UINT64_MAX - 15) / base) return NULL;
        value = value * base + (unsigned)digit_value(*at);
    }
    *number = value;
    return at == text ? NULL : at;
}

const char *parse_decimal(const char *text, uint64_t *number) { return parse_number(text, 10, number); }
const char *parse_hex(const char *text, uint64_t *number) { return parse_number(text, 16, number); }
