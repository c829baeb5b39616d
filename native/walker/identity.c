/* Reads /proc/<pid>/stat for the start time and the start of the brk heap.
 * It leaves comparing two readings to walk.c. */
#include "identity.h"

#include <errno.h>
#include <string.h>

#include "proc_file.h"

/* comm is at most 64 bytes and the 50 numbers behind it at most 21 each. */
#define STAT_BYTES_MAX 1536
#define FIELD_STATE 3
#define FIELD_FLAGS 9
#define FIELD_START_TICKS 22
#define FIELD_START_BRK 47
#define KERNEL_THREAD UINT64_C(0x00200000) /* PF_KTHREAD */

static enum walk_reason parse(const char *text, struct identity *identity) {
    uint64_t flags = 0;
    /* The name may hold spaces and parentheses, but what follows it may not. */
    const char *at = strrchr(text, ')');
    unsigned field = FIELD_STATE - 1;
    while (at != NULL && field < FIELD_START_BRK && (at = strchr(at, ' ')) != NULL) {
        at++;
        field++;
        if (field == FIELD_STATE && (*at == 'Z' || *at == 'X')) return WALK_GONE;
        if (field == FIELD_FLAGS) at = parse_decimal(at, &flags);
        if (field == FIELD_START_TICKS) at = parse_decimal(at, &identity->start_ticks);
        if (field == FIELD_START_BRK) at = parse_decimal(at, &identity->start_brk);
    }
    if (at == NULL) return WALK_GONE;
    return (flags & KERNEL_THREAD) != 0 ? WALK_NO_HEAP : WALK_OK;
}

enum walk_reason identity_read(pid_t pid, struct identity *identity) {
    char text[STAT_BYTES_MAX];
    ssize_t length = proc_file_read(pid, "stat", text, sizeof text);
    if (length < 0) return errno == EACCES || errno == EPERM ? WALK_DENIED : WALK_GONE;
    *identity = (struct identity){0};
    return parse(text, identity);
}
