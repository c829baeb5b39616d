/* glibc's malloc, which the walker measures from outside: here only to be recognised, and trimmed where that is allowed.
 * It leaves its figures to ../walker. Source: malloc/malloc.c, "struct malloc_chunk". */
#include "../preload/text.h"
#include "allocator.h"
#include "libc.h"

#define CHUNK_ALIGNMENT 16
#define FLAG_BITS ((size_t)7)
#define PREV_INUSE ((size_t)1)
/* glibc makes a chunk of 1008 bytes of it, with 1000 to use; the others know no such size class but give 1024. */
#define SAMPLE_BYTES 1000

static bool is_block_of_glibc(void *memory) {
    if ((uintptr_t)memory % CHUNK_ALIGNMENT) return false;
    /* Asked first, so that the word before the block is only read when the block ends where glibc's would: at the next
     * multiple of 16 less the next chunk's size word, or 16 bytes behind it when that much was too little for a chunk. */
    size_t usable = malloc_usable_size(memory);
    if (usable < SAMPLE_BYTES || usable >= SAMPLE_BYTES + 2 * CHUNK_ALIGNMENT - sizeof(size_t)) return false;
    size_t size_word = *(const size_t *)((uintptr_t)memory - sizeof(size_t));
    return (size_word & ~FLAG_BITS) == usable + sizeof size_word && (size_word & PREV_INUSE);
}

bool glibc_owns_malloc(void) {
    void *memory = malloc && free && malloc_usable_size ? malloc(SAMPLE_BYTES) : NULL;
    bool owned = memory && is_block_of_glibc(memory);
    if (memory) free(memory);
    return owned;
}

static void describe(struct tidemark_header *header) {
    struct text version = text_in(header->allocator_version, sizeof header->allocator_version);
    text_add(&version, gnu_get_libc_version());
}

/* All arenas, whole free pages anywhere in them, since 2.8; locks one arena after another. */
static bool release(void) {
    if (!malloc_trim) return false;
    (void)malloc_trim(0);
    return true;
}

const struct allocator glibc_allocator = {
    .kind = TIDEMARK_ALLOCATOR_GLIBC,
    .describe = describe,
    .release = release,
};
