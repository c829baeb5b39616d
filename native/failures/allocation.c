/* The allocation functions of C, each handed on to the next definition; what comes back as NULL is counted.
 * It leaves free alone, so all memory that leaves here is the next allocator's own. Source: man 3 malloc, posix_memalign. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "count.h"
#include "next.h"

#define EXPORTED __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)
#define RARE(condition) __builtin_expect((condition), 0)

EXPORTED void *malloc(size_t bytes);
EXPORTED void *calloc(size_t count, size_t bytes);
EXPORTED void *realloc(void *memory, size_t bytes);
EXPORTED void *reallocarray(void *memory, size_t count, size_t bytes);
EXPORTED void *memalign(size_t alignment, size_t bytes);
EXPORTED void *aligned_alloc(size_t alignment, size_t bytes);
EXPORTED int posix_memalign(void **memory, size_t alignment, size_t bytes);
EXPORTED void *valloc(size_t bytes);
EXPORTED void *pvalloc(size_t bytes);

/* The table is empty until the first call or our constructor, whichever comes first. */
#define FIND_NEXT(name, result) \
    __typeof__(next_table.name) next = next_table.name; \
    if (RARE(next == NULL)) { \
        const union next_table *found = next_find(); \
        if (found == NULL) return (result); \
        next = found->name; \
    }

extern int *__errno_location(void) __attribute__((weak));

static void *none(void) {
    if (__errno_location != NULL) *__errno_location() = ENOMEM;
    return NULL;
}

__attribute__((cold)) static void failed_as(size_t bytes, int error, void *caller) {
    if (!next_is_internal((uintptr_t)caller)) count_failure(bytes, error);
}

__attribute__((cold)) static void failed(size_t bytes, void *caller) {
    failed_as(bytes, __errno_location != NULL ? *__errno_location() : 0, caller);
}

static size_t product(size_t count, size_t bytes) {
    size_t result;
    return __builtin_mul_overflow(count, bytes, &result) ? SIZE_MAX : result;
}

static bool is_power_of_two(size_t number) { return number != 0 && (number & (number - 1)) == 0; }

void *malloc(size_t bytes) {
    FIND_NEXT(malloc, none())
    void *memory = next(bytes);
    if (RARE(memory == NULL)) failed(bytes, CALLER);
    return memory;
}

void *calloc(size_t count, size_t bytes) {
    FIND_NEXT(calloc, none())
    void *memory = next(count, bytes);
    if (RARE(memory == NULL)) failed(product(count, bytes), CALLER);
    return memory;
}

static inline void *resize(void *memory, size_t bytes, void *caller) {
    FIND_NEXT(realloc, none())
    void *moved = next(memory, bytes);
    /* NULL for no bytes means that the memory was freed. */
    if (RARE(moved == NULL) && (bytes != 0 || memory == NULL)) failed(bytes, caller);
    return moved;
}

void *realloc(void *memory, size_t bytes) { return resize(memory, bytes, CALLER); }

/* By the next realloc: the reallocarray of glibc and musl would call ours, and a failure would count twice. */
void *reallocarray(void *memory, size_t count, size_t bytes) {
    size_t total;
    if (!__builtin_mul_overflow(count, bytes, &total)) return resize(memory, total, CALLER);
    FIND_NEXT(reallocarray, none())
    void *moved = next(memory, count, bytes);
    if (moved == NULL) failed(SIZE_MAX, CALLER);
    return moved;
}

/* An alignment that cannot be is the caller's error (EINVAL). By the argument and not by errno, which not all allocators set. */
void *memalign(size_t alignment, size_t bytes) {
    FIND_NEXT(memalign, none())
    void *memory = next(alignment, bytes);
    if (RARE(memory == NULL) && is_power_of_two(alignment)) failed(bytes, CALLER);
    return memory;
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    FIND_NEXT(aligned_alloc, none())
    void *memory = next(alignment, bytes);
    if (RARE(memory == NULL) && is_power_of_two(alignment)) failed(bytes, CALLER);
    return memory;
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    FIND_NEXT(posix_memalign, ENOMEM)
    int error = next(memory, alignment, bytes);
    if (RARE(error != 0) && error != EINVAL) failed_as(bytes, error, CALLER);
    return error;
}

void *valloc(size_t bytes) {
    FIND_NEXT(valloc, none())
    void *memory = next(bytes);
    if (RARE(memory == NULL)) failed(bytes, CALLER);
    return memory;
}

void *pvalloc(size_t bytes) {
    FIND_NEXT(pvalloc, none())
    void *memory = next(bytes);
    if (RARE(memory == NULL)) failed(bytes, CALLER);
    return memory;
}
