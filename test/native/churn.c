/* Threads that malloc and free as fast as they can around a steady amount of live memory: `churn <threads> <slots>`.
 * It leaves judging the walks meanwhile to the test; commands: stop (ends the threads and says the truth). */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_bool stopping;
static atomic_ulong pair_count;
static size_t slot_count;
static pthread_barrier_t filled;

static size_t choose_bytes(uint32_t *random) {
    uint32_t roll = next_random(random) % 1000;
    if (roll < 900) return 16 + next_random(random) % 500;
    return roll < 999 ? 1100 + next_random(random) % 8000 : 100000 + next_random(random) % 200000;
}

static void *churn(void *argument) {
    uint32_t random = (uint32_t)(size_t)argument + 7;
    void **slots = calloc(slot_count, sizeof *slots);
    for (size_t i = 0; i < slot_count; i++) slots[i] = malloc(choose_bytes(&random));
    for (size_t i = 0; i < 10 * slot_count; i++) {
        size_t slot = next_random(&random) % slot_count;
        free(slots[slot]);
        slots[slot] = malloc(choose_bytes(&random));
    }
    pthread_barrier_wait(&filled);
    unsigned long pairs = 0;
    for (; !atomic_load_explicit(&stopping, memory_order_relaxed); pairs++) {
        size_t slot = next_random(&random) % slot_count;
        free(slots[slot]);
        slots[slot] = malloc(choose_bytes(&random));
        *(volatile char *)slots[slot] = 'x';
    }
    atomic_fetch_add(&pair_count, pairs);
    pthread_barrier_wait(&filled);
    pthread_barrier_wait(&filled); /* Never reached by main: a thread that ended would give its arena away. */
    return NULL;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3) return 2;
    size_t thread_count = strtoul(arguments[1], NULL, 10);
    slot_count = strtoul(arguments[2], NULL, 10);
    mallopt(M_MMAP_THRESHOLD, 150000);
    pthread_barrier_init(&filled, NULL, (unsigned)thread_count + 1);
    for (size_t i = 0; i < thread_count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, churn, (void *)i) != 0) return 3;
    }
    pthread_barrier_wait(&filled);
    say_truth(thread_count + 1, 0);
    for (char command[32]; read_command(command, sizeof command);) {
        if (strcmp(command, "stop") != 0) continue;
        atomic_store(&stopping, 1);
        pthread_barrier_wait(&filled);
        say_truth(thread_count + 1, 0);
        SAY("pairs=%lu\n", atomic_load(&pair_count));
    }
    return 0;
}
