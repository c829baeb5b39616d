// A service that is well: it needs memory while requests are in flight and returns it when they are answered.
// Nothing outlives its request, so glibc trims the top of the heap and RSS falls after every peak.
#include "traffic.h"

int main(int argc, char **argv) {
    struct traffic traffic = traffic_start(argc, argv);
    struct objects base = objects_reserve(1 << 12);
    struct objects requests = objects_reserve(1 << 20);
    uint64_t seed = 1;
    while (base.bytes < traffic.peak_bytes / 8) objects_add(&base, random_size(&seed, 4096, 16384));

    for (;;) {
        double demand = traffic_demand(traffic_cycles(&traffic));
        while ((double)requests.bytes < demand * (double)traffic.peak_bytes) {
            objects_add(&requests, random_size(&seed, 1100, 16384));
        }
        if (demand == 0 && requests.count > 0) objects_free_all(&requests);
        traffic_pause();
    }
}
