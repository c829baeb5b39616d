// A service with many threads that peak in turn: each has an arena of its own, and each arena keeps its own high-water mark.
// The last buffer of a thread's burst stays, so the arena cannot shrink below it; all threads together need one burst at a time.
#include "traffic.h"

#include <pthread.h>

#define THREADS 16

struct worker {
    const struct traffic *traffic;
    unsigned index;
};

// A thread works in its own slot of every rise, and is idle otherwise.
static void *work(void *argument) {
    const struct worker *worker = argument;
    const size_t burst_bytes = worker->traffic->peak_bytes / THREADS;
    struct objects buffers = objects_reserve(1 << 16);
    void *last = NULL;
    uint64_t seed = 4 + worker->index;
    const double slot = (FALL_FROM - RISE_FROM) / THREADS;
    const double slot_from = RISE_FROM + slot * worker->index;

    for (;;) {
        double cycles = traffic_cycles(worker->traffic);
        double place = cycles - (double)(uint64_t)cycles;
        if (place >= slot_from && place < slot_from + slot && buffers.count == 0) {
            free(last);
            while (buffers.bytes < burst_bytes) objects_add(&buffers, random_size(&seed, 2000, 20000));
        } else if ((place < slot_from || place >= slot_from + slot) && buffers.count > 0) {
            last = buffers.pointer[--buffers.count];
            objects_free_all(&buffers);
        }
        traffic_pause();
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct traffic traffic = traffic_start(argc, argv);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.traffic = &traffic, .index = i};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            fputs("cannot start a thread\n", stderr);
            return 1;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}
