/* Fuzzes the texts that the walker reads: /proc/<pid>/maps, /proc/<pid>/stat and the request lines of --serve.
 * It leaves memory to the other targets: whatever these texts lead to is not there. */
#include <string.h>

#include "../../../native/walker/identity.h"
#include "../../../native/walker/maps.h"
#include "../../../native/walker/serve.h"
#include "fake_kernel.h"

static struct scene scene;
static struct maps maps;
static struct maps again;

static size_t count_lines(struct text text) {
    size_t lines = 0;
    for (size_t i = 0; i < text.size; i++) lines += text.bytes[i] == '\n';
    return lines;
}

static void read_maps(struct text text) {
    fake_kernel.maps = text;
    enum walk_reason reason = maps_read(FAKE_PID, &maps);
    EXPECT(reason == WALK_OK || reason == WALK_TOO_MANY_MAPS);
    EXPECT(maps.vma_count <= count_lines(text) && maps.data_count <= DATA_RANGE_MAX);
    EXPECT(maps.arena_range_count <= ARENA_RANGE_MAX && maps.anonymous_count <= ANONYMOUS_RANGE_MAX);
    for (size_t i = 0; i < maps.arena_range_count; i++) {
        EXPECT(maps.arena_ranges[i].start % ARENA_HEAP_BYTES_MAX == 0 && maps.arena_ranges[i].start < maps.arena_ranges[i].end);
    }
    for (size_t i = 0; i < maps.anonymous_count; i++) EXPECT(maps.anonymous[i].start < maps.anonymous[i].end);
    /* How the kernel cuts the text must not matter. */
    fake_kernel.read_bytes_max = 0;
    EXPECT(maps_read(FAKE_PID, &again) == reason && again.vma_count == maps.vma_count);
    EXPECT(again.heap.start == maps.heap.start && again.heap.end == maps.heap.end);
    EXPECT(again.data_count == maps.data_count && again.data_is_libc == maps.data_is_libc);
    EXPECT(again.private_anonymous_bytes == maps.private_anonymous_bytes);
    EXPECT(again.arena_range_count == maps.arena_range_count && again.anonymous_count == maps.anonymous_count);
    EXPECT(memcmp(again.arena_ranges, maps.arena_ranges, maps.arena_range_count * sizeof maps.arena_ranges[0]) == 0);
    EXPECT(memcmp(again.anonymous, maps.anonymous, maps.anonymous_count * sizeof maps.anonymous[0]) == 0);
    maps_heap_end(FAKE_PID);
}

/* Each line counts for itself: a text cut between two lines has as many mappings in its parts as in all. */
static void read_maps_in_parts(struct text text) {
    read_maps(text);
    uint64_t all = maps.vma_count;
    const unsigned char *newline = text.size == 0 ? NULL : memchr(text.bytes + text.size / 2, '\n', text.size - text.size / 2);
    if (newline == NULL) return;
    size_t first_bytes = (size_t)(newline + 1 - text.bytes);
    read_maps((struct text){text.bytes, first_bytes});
    uint64_t first = maps.vma_count;
    read_maps((struct text){text.bytes + first_bytes, text.size - first_bytes});
    EXPECT(all == first + maps.vma_count);
}

static void read_stat(struct text text) {
    struct identity identity;
    fake_kernel.stat = text;
    enum walk_reason reason = identity_read(FAKE_PID, &identity);
    EXPECT(reason == WALK_OK || reason == WALK_GONE || reason == WALK_NO_HEAP);
    if (reason == WALK_OK) EXPECT(memchr(text.bytes, ')', text.size) != NULL);
}

static void serve_requests(struct text text) {
    fake_kernel.input = text;
    serve();
    EXPECT(fake_kernel_lines() == count_lines(text));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* The first byte chooses the text, the second how the kernel cuts it into reads; the text follows. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size < 2) return 0;
    struct text text = {data + 2, size - 2};
    scene_decode(&scene, (const unsigned char[8]){0}, 8);
    fake_kernel.scene = &scene;
    fake_kernel.read_bytes_max = data[1];
    fake_kernel.tick_ns = 1000;
    fake_kernel.maps = fake_kernel.stat = fake_kernel.input = (struct text){.bytes = NULL};
    fake_kernel_start();
    if (data[0] % 3 == 0) read_maps_in_parts(text);
    if (data[0] % 3 == 1) read_stat(text);
    if (data[0] % 3 == 2) serve_requests(text);
    fake_kernel_end();
    return 0;
}
