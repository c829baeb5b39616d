/* A library as a C++ plugin is one: its own operator new and delete, for a heap of its own, found by name when it is loaded.
 * It leaves loading it to failures_calls. The names are the mangled ones, so that no C++ compiler is needed. */
#include <stddef.h>
#include <stdlib.h>

static char pool[64];

__attribute__((noipa)) void *_Znwm(size_t bytes) { return bytes <= sizeof pool ? pool : NULL; }

__attribute__((noipa)) void _ZdlPv(void *memory) {
    if (memory != pool) abort();
}

int plugin_use(void) {
    void *memory = _Znwm(10);
    _ZdlPv(memory);
    return memory == pool;
}
