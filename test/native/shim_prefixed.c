/* A jemalloc under Rust's prefix beside glibc's malloc: forwards _rjem_* to the real library, loaded for itself alone.
 * It leaves the allocator to libjemalloc.so.2, which a Rust program would have linked statically. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

static void *jemalloc(const char *name) {
    static void *library;
    if (!library) library = dlopen("libjemalloc.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    void *symbol = library ? dlsym(library, name) : NULL;
    if (!symbol) abort();
    return symbol;
}

EXPORT void *_rjem_malloc(size_t bytes) { return ((void *(*)(size_t))jemalloc("malloc"))(bytes); }
EXPORT void _rjem_free(void *memory) { ((void (*)(void *))jemalloc("free"))(memory); }
EXPORT int _rjem_mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes) {
    return ((int (*)(const char *, void *, size_t *, void *, size_t))jemalloc("mallctl"))(name, old, old_bytes, value, bytes);
}
EXPORT int _rjem_mallctlnametomib(const char *name, size_t *mib, size_t *length) {
    return ((int (*)(const char *, size_t *, size_t *))jemalloc("mallctlnametomib"))(name, mib, length);
}
EXPORT int _rjem_mallctlbymib(const size_t *mib, size_t count, void *old, size_t *old_bytes, void *value, size_t bytes) {
    return ((int (*)(const size_t *, size_t, void *, size_t *, void *, size_t))jemalloc("mallctlbymib"))(mib, count, old, old_bytes,
                                                                                                      value, bytes);
}
