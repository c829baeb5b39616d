/* The thread arenas of a process and the heaps they consist of, recognised by what glibc keeps in them.
 * It leaves the chunks inside them to chunks.c. */
#ifndef TIDEMARK_ARENAS_H
#define TIDEMARK_ARENAS_H

#include "arena_layout.h"
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
    size_t number; /* From 1 in order of birth: each new one joins the ring behind main_arena, which is number 0. */
};

/* main_arena lies in libc's data. */
struct main_arena {
    bool found;
    bool noncontiguous;
    uint64_t address;
    uint64_t top;
    uint64_t held_bytes; /* system_mem */
};

struct arenas {
    size_t heap_count;
    size_t arena_count;
    const struct arena_layout *layout; /* NULL while no arena is found. */
    struct main_arena main;
    struct arena_heap heaps[ARENA_HEAP_MAX]; /* In address order, as are the arenas. */
    struct arena arenas[ARENA_MAX];
};

/* Finds the thread arenas, and main_arena where one of them leads to it. WALK_OK also when there is none. WALK_LAYOUT and
 * WALK_CHANGED may come from a change in progress: try again. */
enum walk_reason arenas_find(struct process_memory *process, const struct maps *maps, struct arenas *arenas);

/* Takes over what the state of main_arena says. */
void main_arena_set(struct main_arena *arena, const struct arena_layout *layout, const unsigned char *state, uint64_t address);

/* The heap of a thread arena that holds `address`, or NULL. */
const struct arena_heap *arenas_heap_at(const struct arenas *arenas, uint64_t address);

/* The index of the arena at `address`, or ARENA_MAX. */
size_t arenas_index(const struct arenas *arenas, uint64_t address);

#endif
