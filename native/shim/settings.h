/* What the environment of the process says to the shim, copied at start: later the program may have moved or overwritten it.
 * It leaves acting on it to the others. */
#ifndef TIDEMARK_SETTINGS_H
#define TIDEMARK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct settings {
    bool is_off;                /* TIDEMARK_SHIM=0. */
    bool is_filter_known;       /* TIDEMARK_SHIM=1: whoever starts the program vouches for its seccomp filter. */
    bool is_relief_allowed;     /* TIDEMARK_RELIEF=1. */
    bool is_profile_allowed;    /* TIDEMARK_PROFILE=1. */
    uint64_t interval_ms;       /* TIDEMARK_INTERVAL_MS. */
    uint64_t relief_pause_ms;   /* TIDEMARK_RELIEF_INTERVAL_S. */
    uint64_t page_bytes;        /* AT_PAGESZ. */
    const char *folder;         /* TIDEMARK_RING_FOLDER. */
    char folder_bytes[256];
    char tunables[1024];        /* The variables that settings_read_tunables took, as "NAME=value NAME=value". */
};

extern struct settings settings;

/* `environment` ends with NULL. */
void settings_read(char **environment);

/* Takes what sets any allocator; also done only when one of them is going to be looked at. */
void settings_read_tunables(char **environment);

#endif
