/* A library that a program loads, lets allocate, and unloads again.
 * It leaves that to profile_sites. */
#include <stddef.h>
#include <stdlib.h>

__attribute__((noipa)) void *site_of_plugin(size_t bytes) {
    void *volatile memory = malloc(bytes);
    return memory;
}
