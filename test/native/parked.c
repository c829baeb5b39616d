/* Freed blocks that malloc keeps in tcache and fastbins, in known numbers: `parked <threads> <blocks>` frees that many of each
 * of five sizes in each thread. It leaves other free memory to known.c; commands: none, the first line is the truth. */
#include "harness.h"

#include <gnu/libc-version.h>
#include <pthread.h>

#define BLOCKS_MAX 200
/* tcache's sizes; its bins are emptied by taking more of each than anyone has put there. */
#define TCACHE_BINS 64
#define TAKEN_OF_EACH 40

static const size_t sizes[] = {24, 40, 100, 500, 1000};
#define SIZE_COUNT (sizeof sizes / sizeof sizes[0])

static size_t block_count;
static pthread_barrier_t parked, leave;

/* The guards keep freed neighbours from joining, and the last one from joining the top. */
static void park(size_t count) {
    void *blocks[SIZE_COUNT][BLOCKS_MAX];
    for (size_t bin = 0; bin < TCACHE_BINS; bin++) {
        for (size_t i = 0; i < TAKEN_OF_EACH; i++) memset(malloc(24 + 16 * bin), 'x', 24 + 16 * bin);
    }
    for (size_t size = 0; size < SIZE_COUNT; size++) {
        for (size_t i = 0; i < count; i++) {
            blocks[size][i] = malloc(sizes[size]);
            memset(malloc(2000), 'g', 2000);
        }
    }
    /* Large ones first: freeing them may empty the fastbins. */
    for (size_t size = SIZE_COUNT; size-- > 0;) {
        for (size_t i = 0; i < count; i++) free(blocks[size][i]);
    }
}

static void *park_and_stay(void *unused) {
    park(block_count);
    pthread_barrier_wait(&parked);
    pthread_barrier_wait(&leave); /* Never reached by main: a thread that ends gives its cache back. */
    return unused;
}

static void *park_and_end(void *unused) {
    park(block_count);
    return unused;
}

/* Blocks of the same sizes as a thread's cache, whose contents come close to one. */
static void pretend(void) {
    static const size_t cache_bytes[] = {576, 640, 760};
    static const size_t count_bytes[] = {64, 128, 152};
    for (size_t kind = 0; kind < 3; kind++) {
        uint64_t *links[4];
        for (size_t i = 0; i < 4; i++) {
            char *fake = calloc(1, cache_bytes[kind]);
            links[i] = (uint64_t *)(fake + count_bytes[kind]);
            fake[0] = 5;
            fake[1] = kind == 0 ? 0 : (char)i;
        }
        links[0][0] = (uint64_t)links[1];  /* Not a block of the bin's size. */
        links[1][0] = 0x10000;             /* No memory at all. */
        links[2][0] = 0x1234567;           /* Not aligned. */
    }
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3) return 2;
    size_t thread_count = strtoul(arguments[1], NULL, 10);
    block_count = strtoul(arguments[2], NULL, 10);
    if (block_count > BLOCKS_MAX) return 2;
    size_t limit = strverscmp(gnu_get_libc_version(), "2.43") < 0 ? 7 : 16;
    size_t in_tcache = block_count < limit ? block_count : limit;
    pthread_barrier_init(&parked, NULL, (unsigned)thread_count + 1);
    pthread_barrier_init(&leave, NULL, (unsigned)thread_count + 1);
    for (size_t i = 0; i < thread_count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, park_and_stay, NULL) != 0) return 3;
    }
    pthread_barrier_wait(&parked);
    /* Last, because what it leaves behind would be cached by the next thread in its arena. */
    pthread_t ending;
    if (pthread_create(&ending, NULL, park_and_end, NULL) != 0 || pthread_join(ending, NULL) != 0) return 3;
    pretend();
    park(block_count);
    size_t bytes = 0;
    for (size_t size = 0; size < SIZE_COUNT; size++) bytes += (thread_count + 1) * in_tcache * ((sizes[size] + 8 + 15) / 16 * 16);
    SAY("tcache_chunks=%zu tcache_bytes=%zu ", (thread_count + 1) * in_tcache * SIZE_COUNT, bytes);
    say_truth(thread_count + 2, 0);
    for (char command[32]; read_command(command, sizeof command);) continue;
    return 0;
}
