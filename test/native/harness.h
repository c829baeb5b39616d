/* What the C test programs share: printing truth without touching the heap, and obeying one-word commands.
 * It leaves building a heap to each program. */
#ifndef TIDEMARK_TEST_HARNESS_H
#define TIDEMARK_TEST_HARNESS_H

#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* vsnprintf with plain integers does not allocate, and stdio's own buffers would. */
#define SAY(...) (void)!write(1, say_buffer, (size_t)snprintf(say_buffer, sizeof say_buffer, __VA_ARGS__))
static char say_buffer[1024];

static inline size_t chunk_bytes(void *memory) { return malloc_usable_size(memory) + 8; }

static inline long resident_bytes(void) {
    char text[128] = {0};
    long pages = 0;
    int file = open("/proc/self/statm", O_RDONLY);
    if (file < 0 || read(file, text, sizeof text - 1) <= 0 || sscanf(text, "%*d %ld", &pages) != 1) exit(3);
    close(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Before 2.33 the figures are ints, which hold up to 4 GiB when read as unsigned ones. */
#if __GLIBC_PREREQ(2, 33)
#define MALLINFO mallinfo2
#define MALLINFO_FIELD(field) (info.field)
#else
#define MALLINFO mallinfo
#define MALLINFO_FIELD(field) ((size_t)(unsigned)info.field)
#endif

/* What glibc itself says. ordblks counts the top of every arena; uordblks counts arena headers as used. */
static inline void say_truth(size_t arenas, size_t largest_free) {
    struct MALLINFO info = MALLINFO();
    SAY("used=%zu free=%zu free_chunks=%zu largest=%zu arena=%zu mmapped=%zu mmapped_count=%zu fastbins=%zu fastbin_bytes=%zu\n",
        MALLINFO_FIELD(uordblks), MALLINFO_FIELD(fordblks), MALLINFO_FIELD(ordblks) - arenas, largest_free, MALLINFO_FIELD(arena),
        MALLINFO_FIELD(hblkhd), MALLINFO_FIELD(hblks), MALLINFO_FIELD(smblks), MALLINFO_FIELD(fsmblks));
}

static inline void say_trim(void) {
    long before = resident_bytes();
    malloc_trim(0);
    SAY("fell=%ld\n", before - resident_bytes());
}

/* Reads one line; false at end of input, so that a program never outlives the test that started it. */
static inline int read_command(char *command, size_t size) {
    size_t length = 0;
    for (;;) {
        char character;
        if (read(0, &character, 1) != 1) return 0;
        if (character == '\n') break;
        if (length < size - 1) command[length++] = character;
    }
    command[length] = '\0';
    return 1;
}

/* A fixed generator, so that every run builds the same heap. */
static inline uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

#endif
