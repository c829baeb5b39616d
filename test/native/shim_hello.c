/* The least program that allocates, writes and ends with a code of its own: built against glibc, musl and statically.
 * It leaves comparing the runs to shim.test.ts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments) {
    char *text = malloc(64);
    strcpy(text, count > 1 ? arguments[1] : "hello");
    puts(text);
    free(text);
    return 7;
}
