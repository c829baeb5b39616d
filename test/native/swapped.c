/* A heap that goes to swap and comes back: `swapped <mib>`, commands: out (all of it), in (touches every page).
 * It leaves making a place to swap to, and looking whether it worked, to the test. */
#include "harness.h"

#include <sys/mman.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

int main(int argument_count, char **arguments) {
    if (argument_count < 2) return 2;
    size_t count = (strtoul(arguments[1], NULL, 10) << 20) / 1120;
    char **blocks = malloc(count * sizeof *blocks);
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    for (size_t i = 0; i < count; i++) memset(blocks[i] = malloc(1100), (int)i, 1100);
    for (size_t i = 0; i < count; i += 2) free(blocks[i]);
    say_truth(1, 0);
    char *start = (char *)((uintptr_t)blocks[0] & ~(uintptr_t)4095) + 4096;
    char *end = (char *)((uintptr_t)blocks[count - 1] & ~(uintptr_t)4095);
    for (char command[32]; read_command(command, sizeof command);) {
        int refused = 0;
        if (strcmp(command, "out") == 0) refused = madvise(start, (size_t)(end - start), MADV_PAGEOUT) != 0;
        for (volatile char *page = start; strcmp(command, "in") == 0 && page < end; page += 4096) (void)*page;
        SAY("refused=%d\n", refused);
    }
    return 0;
}
