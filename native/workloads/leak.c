// A service that leaks: its requests come and go as in healthy.c, but each leaves a little behind that nothing will free.
// Live bytes grow at every trough, whatever the traffic does.
#include "traffic.h"

int main(int argc, char **argv) {
    struct traffic traffic = traffic_start(argc, argv);
    struct objects requests = objects_reserve(1 << 20);
    struct objects forgotten = objects_reserve(1 << 20);
    uint64_t seed = 2;

    for (;;) {
        double cycles = traffic_cycles(&traffic);
        double demand = traffic_demand(cycles);
        while ((double)requests.bytes < demand * (double)traffic.peak_bytes / 2) {
            objects_add(&requests, random_size(&seed, 1100, 16384));
        }
        // A third of a peak is lost with every cycle.
        while ((double)forgotten.bytes < cycles * (double)traffic.peak_bytes / 3) {
            objects_add(&forgotten, random_size(&seed, 200, 3000));
        }
        if (demand == 0 && requests.count > 0) objects_free_all(&requests);
        traffic_pause();
    }
}
