/* A heap with a known number of free chunks between live ones: `known <free_chunks> <small|same|mixed|pages>`.
 * It leaves threads to threads.c; commands: trim (says how far the resident size fell), clear (frees all blocks but the last,
 * which keeps the heap from shrinking), exec, exit. */
#include "harness.h"

/* tcache must be off for "small", which is beyond the fastbins only. */
static size_t choose_bytes(const char *shape, uint32_t *random) {
    if (strcmp(shape, "small") == 0) return 200;
    if (strcmp(shape, "same") == 0) return 1100;                            /* Beyond tcache's 1032 bytes and the fastbins. */
    if (strcmp(shape, "pages") == 0) return 5000 + next_random(random) % 60000; /* Whole pages inside. */
    uint32_t roll = next_random(random) % 100;
    if (roll < 90) return 1100 + next_random(random) % 3000;
    return roll < 99 ? 5000 + next_random(random) % 20000 : 60000 + next_random(random) % 60000;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3) return 2;
    size_t count = strtoul(arguments[1], NULL, 10);
    uint32_t random = 1;
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    char **blocks = malloc(2 * count * sizeof *blocks); /* Larger than the threshold for large counts: an mmapped chunk. */
    size_t largest = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        size_t bytes = choose_bytes(arguments[2], &random);
        blocks[i] = malloc(i % 2 == 0 || bytes < 1100 ? bytes : 1100 + bytes % 64);
        memset(blocks[i], 'x', malloc_usable_size(blocks[i]));
    }
    for (size_t i = 0; i < 2 * count; i += 2) {
        size_t bytes = chunk_bytes(blocks[i]);
        if (bytes > largest) largest = bytes;
        free(blocks[i]);
    }
    say_truth(1, largest);
    for (char command[32]; read_command(command, sizeof command);) {
        if (strcmp(command, "exec") == 0) execl("/bin/cat", "cat", (char *)NULL);
        if (strcmp(command, "exit") == 0) _exit(0);
        if (strcmp(command, "trim") == 0) say_trim();
        if (strcmp(command, "clear") == 0) {
            for (size_t i = 1; i < 2 * count - 1; i += 2) free(blocks[i]);
            say_truth(1, 0);
        }
    }
    return 0;
}
