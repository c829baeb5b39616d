// A service whose heap stays fragmented: of the small objects of a peak one in eight outlives it, scattered over all pages.
// Live bytes come back after every peak, but hardly a page is free of survivors, so neither glibc nor a trim can return them.
#include "traffic.h"

#define SURVIVOR_EVERY 8

int main(int argc, char **argv) {
    struct traffic traffic = traffic_start(argc, argv);
    struct objects requests = objects_reserve(1 << 20);
    struct objects survivors = objects_reserve(1 << 20);
    struct objects old_survivors = objects_reserve(1 << 20);
    uint64_t seed = 3;

    for (;;) {
        double demand = traffic_demand(traffic_cycles(&traffic));
        while ((double)requests.bytes < demand * (double)traffic.peak_bytes) {
            objects_add(&requests, random_size(&seed, 200, 700));
        }
        if (demand == 0 && requests.count > 0) {
            const struct objects swapped = old_survivors;
            old_survivors = survivors;
            survivors = swapped;
            for (size_t i = 0; i < requests.count; i++) {
                if (i % SURVIVOR_EVERY == 0) {
                    survivors.pointer[survivors.count++] = requests.pointer[i];
                } else {
                    free(requests.pointer[i]);
                }
            }
            requests.count = 0;
            requests.bytes = 0;
            // Those of the peak before end now, so that live bytes are the same after every peak.
            objects_free_all(&old_survivors);
        }
        traffic_pause();
    }
}
