/* Thread arenas with known contents: `threads <threads> <big_threads> <mib_small> <mib_big>`; the big ones outgrow 64 MiB heaps.
 * It leaves the main arena nearly empty; command: trim (says how far the resident size fell). */
#include "harness.h"

#include <pthread.h>

static size_t thread_count, big_count, small_bytes, big_bytes;
static pthread_barrier_t built, leave;
static size_t largest[64];

static void *fill(void *argument) {
    size_t number = (size_t)argument;
    size_t target = number < big_count ? big_bytes : small_bytes;
    uint32_t random = (uint32_t)number + 1;
    size_t count = 0, limit = target / 1100;
    char **blocks = malloc(limit * sizeof *blocks); /* mmapped: M_MMAP_THRESHOLD is low. */
    for (size_t held = 0; held < target && count < limit; count++) {
        blocks[count] = malloc(1100 + next_random(&random) % (count % 16 == 0 ? 50000 : 3000));
        held += chunk_bytes(blocks[count]);
        memset(blocks[count], 'x', malloc_usable_size(blocks[count]));
    }
    for (size_t i = 0; i < count; i += 2) {
        size_t bytes = chunk_bytes(blocks[i]);
        /* The last one lies next to the top and joins it. */
        if (i + 1 == count) break;
        if (bytes > largest[number]) largest[number] = bytes;
        free(blocks[i]);
    }
    pthread_barrier_wait(&built);
    pthread_barrier_wait(&leave);
    return NULL;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 5) return 2;
    thread_count = strtoul(arguments[1], NULL, 10);
    big_count = strtoul(arguments[2], NULL, 10);
    small_bytes = strtoul(arguments[3], NULL, 10) << 20;
    big_bytes = strtoul(arguments[4], NULL, 10) << 20;
    if (thread_count > 64) return 2;
    mallopt(M_MMAP_THRESHOLD, 60000);
    mallopt(M_ARENA_MAX, (int)thread_count + 1);
    pthread_barrier_init(&built, NULL, (unsigned)thread_count + 1);
    pthread_barrier_init(&leave, NULL, (unsigned)thread_count + 1);
    for (size_t i = 0; i < thread_count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, fill, (void *)i) != 0) return 3;
    }
    pthread_barrier_wait(&built);
    size_t most = 0;
    for (size_t i = 0; i < thread_count; i++) most = largest[i] > most ? largest[i] : most;
    say_truth(thread_count + 1, most);
    for (char command[32]; read_command(command, sizeof command);) {
        if (strcmp(command, "trim") == 0) say_trim();
    }
    return 0;
}
