/* An allocator whose operator new raises an exception that nobody catches, so that C can show how one passes through us.
 * It leaves being called to failures_raise. Names are the mangled ones; _Unwind_RaiseException returns where nobody catches. */
#include <stddef.h>
#include <string.h>
#include <unwind.h>

static char pool[1 << 20];
static size_t used;

void *malloc(size_t bytes) {
    size_t start = (used + 15) & ~(size_t)15;
    if (bytes > sizeof pool - start) return NULL;
    used = start + bytes;
    return pool + start;
}

void free(void *memory) { (void)memory; }

void *calloc(size_t count, size_t bytes) {
    void *memory = malloc(count * bytes);
    return memory == NULL ? NULL : memset(memory, 0, count * bytes);
}

void *realloc(void *memory, size_t bytes) {
    void *moved = malloc(bytes);
    return memory == NULL || moved == NULL ? moved : memmove(moved, memory, bytes);
}

void *_Znwm(size_t bytes) {
    static struct _Unwind_Exception exception;
    void *memory = malloc(bytes);
    if (memory == NULL) _Unwind_RaiseException(&exception);
    return memory == NULL ? pool : memory;
}
