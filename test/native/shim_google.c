/* Stands in for google/tcmalloc, which no distribution packages: a malloc of its own, and the C functions behind MallocExtension
 * with fixed figures. Names and signatures as in its tcmalloc/internal_malloc_extension.h.
 * It leaves the real allocator untested: what is proven is which functions are called, and what becomes of their answers. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Gives memory once and takes none back: enough for a short test. The size lies before each block. */
#define POOL_BYTES ((size_t)64 << 20)
#define HEAD_BYTES 16
static char pool[POOL_BYTES] __attribute__((aligned(4096)));
static size_t used;

static size_t *size_of(void *memory) { return (size_t *)((char *)memory - HEAD_BYTES); }

void *memalign(size_t alignment, size_t bytes) {
    size_t room = bytes + alignment + 2 * HEAD_BYTES;
    size_t at = __atomic_fetch_add(&used, (room + HEAD_BYTES - 1) / HEAD_BYTES * HEAD_BYTES, __ATOMIC_RELAXED);
    if (at + room > POOL_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t address = ((uintptr_t)pool + at + HEAD_BYTES + alignment - 1) / alignment * alignment;
    *size_of((void *)address) = bytes;
    return (void *)address;
}

void *malloc(size_t bytes) { return memalign(HEAD_BYTES, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
void *calloc(size_t count, size_t bytes) { return malloc(count * bytes); }
void free(void *memory) { (void)memory; }
size_t malloc_usable_size(void *memory) { return memory ? (*size_of(memory) + 1023) / 1024 * 1024 : 0; }

void *realloc(void *memory, size_t bytes) {
    void *larger = malloc(bytes);
    if (memory && larger) memcpy(larger, memory, *size_of(memory) < bytes ? *size_of(memory) : bytes);
    return larger;
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    *memory = memalign(alignment, bytes);
    return *memory ? 0 : ENOMEM;
}

static const struct {
    const char *name;
    size_t value;
} properties[] = {
    {"generic.heap_size", 10000000},          {"generic.current_allocated_bytes", 6000000},
    {"tcmalloc.pageheap_free_bytes", 2000000}, {"tcmalloc.pageheap_unmapped_bytes", 500000},
    {"tcmalloc.metadata_bytes", 300000},      {"tcmalloc.current_total_thread_cache_bytes", 1000},
    {"tcmalloc.central_cache_free", 20},      {"tcmalloc.transfer_cache_free", 300},
    {"tcmalloc.cpu_free", 4000},
};

int MallocExtension_Internal_GetOwnership(const void *memory) {
    bool ours = (const char *)memory >= pool && (const char *)memory < pool + POOL_BYTES;
    return ours ? 1 : 2;
}

/* The name is not ended by NUL: it is a string_view's. */
bool MallocExtension_Internal_GetNumericProperty(const char *name, size_t bytes, size_t *value) {
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        if (strlen(properties[i].name) != bytes || memcmp(properties[i].name, name, bytes) != 0) continue;
        *value = properties[i].value;
        return true;
    }
    return false;
}

size_t MallocExtension_Internal_ReleaseMemoryToSystem(size_t bytes) { return bytes ? 1 : 0; }
