/* The thread arenas of a process and the heaps they consist of, recognised by what glibc keeps in them.
 * It leaves the chunks inside them to chunks.c. */
#ifndef TIDEMARK_ARENAS_H
#define TIDEMARK_ARENAS_H

#include "chunks.h"
#include "maps.h"
#include "process_memory.h"

/* glibc makes at most 8 arenas a core unless told otherwise; 512 GiB of heaps. The two tables take 400 KiB. */
#define ARENA_MAX 2048
#define ARENA_HEAP_MAX 8192

struct arena_heap {
    struct heap_region region;
    uint64_t arena_address;
    uint64_t previous; /* The arena's heap before this one, 0 for its first. */
};

struct arena {
    uint64_t address;
    uint64_t next; /* Arenas form a ring through main_arena. */
    uint64_t top;
};

struct arenas {
    size_t heap_count;
    size_t arena_count;
    bool main_found;            /* Only a thread arena leads to main_arena, which lies in libc's data. */
    uint64_t main_held_bytes;   /* main_arena.system_mem. */
    struct arena_heap heaps[ARENA_HEAP_MAX]; /* In address order, as are the arenas. */
    struct arena arenas[ARENA_MAX];
};

/* WALK_OK also when there is none. WALK_LAYOUT and WALK_CHANGED may come from a change in progress: try again. */
enum walk_reason arenas_find(struct process_memory *process, const struct maps *maps, struct arenas *arenas);

/* The index of the arena at `address`, or ARENA_MAX. */
size_t arenas_index(const struct arenas *arenas, uint64_t address);

#endif
