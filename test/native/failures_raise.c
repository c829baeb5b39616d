/* Calls operator new from C, twice with what cannot be.
 * It leaves raising the exception to failures_unwound. */
#include <stddef.h>
#include <stdio.h>

extern void *_Znwm(size_t bytes) __attribute__((weak));

int main(void) {
    void *memory = _Znwm(100);
    printf("%d %d %d\n", memory != NULL, _Znwm((size_t)1 << 40) != NULL, _Znwm((size_t)1 << 30) != NULL);
    return 0;
}
