/* Chunks with an alignment of their own, in the main arena, in a thread's arena and in mappings of their own: `aligned`.
 * It leaves plain chunks to known.c and threads.c; commands: release (frees every second block), clear (frees all mappings);
 * both say the truth again. */
#include "harness.h"

#include <pthread.h>

#define BLOCK_COUNT 600
/* From here on a block gets a mapping of its own. */
#define MAPPED_BYTES (256 << 10)
#define MAPPED_COUNT 32

static void *main_blocks[BLOCK_COUNT];
static void *thread_blocks[BLOCK_COUNT];
static void *mapped_blocks[MAPPED_COUNT];
static pthread_barrier_t built, go_on;

/* The blocks in between keep their neighbours from joining when those are freed. */
static void build(void **blocks, uint32_t random) {
    for (int i = 0; i < BLOCK_COUNT; i++) {
        size_t alignment = (size_t)32 << next_random(&random) % 9;
        size_t bytes = 1100 + next_random(&random) % 9000;
        if (i % 3 == 0 && posix_memalign(&blocks[i], alignment, bytes) != 0) exit(3);
        if (i % 3 != 0) blocks[i] = malloc(bytes);
        memset(blocks[i], 'x', bytes);
    }
}

/* With every alignment up to a huge page, and some of another size than they were born with. */
static void build_mapped(void) {
    for (size_t i = 0; i < MAPPED_COUNT; i++) {
        size_t bytes = MAPPED_BYTES + i * 10000;
        if (i % 2 == 0 && posix_memalign(&mapped_blocks[i], (size_t)32 << i / 2, bytes) != 0) exit(3);
        if (i % 2 == 1) mapped_blocks[i] = realloc(malloc(bytes), bytes + 3 * i * 4096);
        memset(mapped_blocks[i], 'y', bytes);
    }
}

static void release(void **blocks) {
    for (int i = 0; i < BLOCK_COUNT; i += 2) free(blocks[i]);
}

static void release_mapped(size_t step) {
    for (size_t i = 0; i < MAPPED_COUNT; i += step) {
        free(mapped_blocks[i]);
        mapped_blocks[i] = NULL;
    }
}

static void *run_thread(void *argument) {
    build(thread_blocks, 2);
    pthread_barrier_wait(&built);
    pthread_barrier_wait(&go_on);
    release(thread_blocks);
    pthread_barrier_wait(&built);
    pthread_barrier_wait(&go_on); /* Never reached by main: a thread that ended would give its arena away. */
    return argument;
}

int main(void) {
    pthread_t thread;
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    pthread_barrier_init(&built, NULL, 2);
    pthread_barrier_init(&go_on, NULL, 2);
    if (pthread_create(&thread, NULL, run_thread, NULL) != 0) return 3;
    pthread_barrier_wait(&built);
    build(main_blocks, 1);
    build_mapped();
    say_truth(2, 0);
    for (char command[32]; read_command(command, sizeof command);) {
        if (strcmp(command, "release") == 0) {
            pthread_barrier_wait(&go_on);
            pthread_barrier_wait(&built);
            release(main_blocks);
        }
        release_mapped(strcmp(command, "clear") == 0 ? 1 : 3);
        say_truth(2, 0);
    }
    return 0;
}
