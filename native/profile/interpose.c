/* The allocation functions of C, each handed on to the C library's: all but one in 512 KiB at the cost of some instructions.
 * It leaves what is noted of that one to sample.c. C++'s operators need nothing: glibc's programs bring them from libstdc++,
 * which calls these. Source: man 3 malloc, posix_memalign. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "next.h"
#include "sample.h"

#define EXPORTED __attribute__((visibility("default")))
#define COLD __attribute__((noinline, cold))
#define RARE(condition) __builtin_expect((condition), 0)

EXPORTED void *malloc(size_t bytes);
EXPORTED void free(void *memory);
EXPORTED void *calloc(size_t count, size_t bytes);
EXPORTED void *realloc(void *memory, size_t bytes);
EXPORTED void *reallocarray(void *memory, size_t count, size_t bytes);
EXPORTED void *memalign(size_t alignment, size_t bytes);
EXPORTED void *aligned_alloc(size_t alignment, size_t bytes);
EXPORTED int posix_memalign(void **memory, size_t alignment, size_t bytes);
EXPORTED void *valloc(size_t bytes);
EXPORTED void *pvalloc(size_t bytes);

extern int *__errno_location(void) __attribute__((weak));

static void *none(void) {
    if (__errno_location != NULL) *__errno_location() = ENOMEM;
    return NULL;
}

/* The table is empty until the first call or our constructor, whichever comes first; and until then thread-local variables may
 * not be looked at either, because we may not be relocated. Apart, so that a function that goes on needs no frame. */
#define READY __builtin_expect(next_table.malloc != NULL, 1)
#define HAND_ON(result, name, parameters, arguments, otherwise) \
    COLD static result late_##name parameters { return next_find() ? do_##name arguments : (otherwise); } \
    result name parameters { return READY ? do_##name arguments : late_##name arguments; }

/* True when this allocation is the one to sample. A request that is larger than any that is granted must not wrap the count:
 * a comparison of unsigned numbers. */
static inline bool goes_past(size_t bytes) {
    uint64_t left = sample_bytes_left;
    if (RARE(bytes >= left)) return true;
    sample_bytes_left = left - bytes;
    return false;
}

static inline void *noted(void *memory, size_t bytes) {
    sample_add(memory, bytes);
    return memory;
}

COLD static void *malloc_due(size_t bytes) {
    if (!sample_is_due(bytes)) return next_table.malloc(bytes);
    return noted(next_table.malloc(bytes), bytes);
}

static inline void *do_malloc(size_t bytes) {
    if (goes_past(bytes)) return malloc_due(bytes);
    return next_table.malloc(bytes);
}

HAND_ON(void *, malloc, (size_t bytes), (bytes), none())

COLD static void free_noted(void *memory) {
    struct live_sample sample;
    (void)sample_remove(memory, &sample);
    next_table.free(memory);
}

COLD static void free_late(void *memory) {
    if (next_find()) next_table.free(memory);
}

void free(void *memory) {
    if (!READY) free_late(memory);
    else if (RARE(live_may_have(memory))) free_noted(memory);
    else next_table.free(memory);
}

static inline size_t product(size_t count, size_t bytes) {
    size_t result;
    return __builtin_mul_overflow(count, bytes, &result) ? SIZE_MAX : result;
}

COLD static void *calloc_due(size_t count, size_t bytes) {
    if (!sample_is_due(product(count, bytes))) return next_table.calloc(count, bytes);
    return noted(next_table.calloc(count, bytes), product(count, bytes));
}

static inline void *do_calloc(size_t count, size_t bytes) {
    if (goes_past(product(count, bytes))) return calloc_due(count, bytes);
    return next_table.calloc(count, bytes);
}

HAND_ON(void *, calloc, (size_t count, size_t bytes), (count, bytes), none())

/* Counts as a free and a new allocation of all its bytes, in place or not: then what is live is sampled by its last size and
 * stack. Forgotten before it is handed on, because another thread may get its address while we are still here. */
COLD static void *realloc_noted(void *memory, size_t bytes, bool is_due) {
    struct live_sample sample;
    bool was_noted = memory != NULL && live_may_have(memory) && sample_remove(memory, &sample);
    void *moved = next_table.realloc(memory, bytes);
    /* NULL for no bytes means that it was freed. */
    if (moved == NULL && bytes != 0 && was_noted) sample_put_back(memory, sample);
    return is_due ? noted(moved, bytes) : moved;
}

COLD static void *realloc_due(void *memory, size_t bytes) { return realloc_noted(memory, bytes, sample_is_due(bytes)); }

static inline void *do_realloc(void *memory, size_t bytes) {
    if (goes_past(bytes)) return realloc_due(memory, bytes);
    if (RARE(live_may_have(memory))) return realloc_noted(memory, bytes, false);
    return next_table.realloc(memory, bytes);
}

HAND_ON(void *, realloc, (void *memory, size_t bytes), (memory, bytes), none())

void *reallocarray(void *memory, size_t count, size_t bytes) {
    size_t total;
    return __builtin_mul_overflow(count, bytes, &total) ? none() : READY ? do_realloc(memory, total) : late_realloc(memory, total);
}

COLD static void *aligned_due(void *(*next)(size_t, size_t), size_t alignment, size_t bytes) {
    if (!sample_is_due(bytes)) return next(alignment, bytes);
    return noted(next(alignment, bytes), bytes);
}

static inline void *do_memalign(size_t alignment, size_t bytes) {
    if (goes_past(bytes)) return aligned_due(next_table.memalign, alignment, bytes);
    return next_table.memalign(alignment, bytes);
}

HAND_ON(void *, memalign, (size_t alignment, size_t bytes), (alignment, bytes), none())

static inline void *do_aligned_alloc(size_t alignment, size_t bytes) {
    if (goes_past(bytes)) return aligned_due(next_table.aligned_alloc, alignment, bytes);
    return next_table.aligned_alloc(alignment, bytes);
}

HAND_ON(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes), none())

COLD static int posix_memalign_due(void **memory, size_t alignment, size_t bytes) {
    bool is_due = sample_is_due(bytes);
    int error = next_table.posix_memalign(memory, alignment, bytes);
    if (error == 0 && is_due) sample_add(*memory, bytes);
    return error;
}

static inline int do_posix_memalign(void **memory, size_t alignment, size_t bytes) {
    if (goes_past(bytes)) return posix_memalign_due(memory, alignment, bytes);
    return next_table.posix_memalign(memory, alignment, bytes);
}

HAND_ON(int, posix_memalign, (void **memory, size_t alignment, size_t bytes), (memory, alignment, bytes), ENOMEM)

COLD static void *whole_pages_due(void *(*next)(size_t), size_t bytes) {
    if (!sample_is_due(bytes)) return next(bytes);
    return noted(next(bytes), bytes);
}

static inline void *do_valloc(size_t bytes) {
    if (goes_past(bytes)) return whole_pages_due(next_table.valloc, bytes);
    return next_table.valloc(bytes);
}

HAND_ON(void *, valloc, (size_t bytes), (bytes), none())

static inline void *do_pvalloc(size_t bytes) {
    if (goes_past(bytes)) return whole_pages_due(next_table.pvalloc, bytes);
    return next_table.pvalloc(bytes);
}

HAND_ON(void *, pvalloc, (size_t bytes), (bytes), none())
