/* Reads request lines of bounded length and answers them in order, one walk at a time.
 * It leaves how often and whom to measure to the collector. */
#include "serve.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "print.h"
#include "proc_file.h"

/* Three numbers of at most 20 digits, and two spaces. */
#define REQUEST_BYTES_MAX 64

bool parse_pid(const char *text, const char **end, pid_t *pid) {
    uint64_t number;
    *end = parse_decimal(text, &number);
    if (*end == NULL || number == 0 || number > INT_MAX) return false;
    *pid = (pid_t)number;
    return true;
}

bool parse_limit(const char *text, const char **end, uint64_t *limit) {
    *end = parse_decimal(text, limit);
    return *end != NULL && *limit != 0;
}

static bool answer(const char *request) {
    pid_t pid;
    struct walk_limits limits = {.wall_ms = WALL_MS_DEFAULT};
    const char *end;
    if (!parse_pid(request, &end, &pid) || *end != ' ') return print_bad_request();
    if (!parse_limit(end + 1, &end, &limits.cpu_us)) return print_bad_request();
    if (*end == ' ' && !parse_limit(end + 1, &end, &limits.wall_ms)) return print_bad_request();
    if (*end != '\0') return print_bad_request();
    struct walk_result result;
    walk_guarded(pid, limits, &result);
    return print_result(&result);
}

void serve(void) {
    char request[REQUEST_BYTES_MAX + 1];
    char buffer[4096];
    size_t length = 0; /* REQUEST_BYTES_MAX + 1 means that the line is too long, and its rest is skipped. */
    for (;;) {
        ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        for (ssize_t i = 0; i < got; i++) {
            if (buffer[i] != '\n') {
                if (length < REQUEST_BYTES_MAX) request[length] = buffer[i];
                if (length <= REQUEST_BYTES_MAX) length++;
                continue;
            }
            bool fits = length <= REQUEST_BYTES_MAX && memchr(request, '\0', length) == NULL;
            request[fits ? length : 0] = '\0';
            length = 0;
            if (!answer(request)) return;
        }
    }
}
