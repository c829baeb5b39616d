/* Decodes fuzz inputs into scenes and keeps their contents in a small table of pages.
 * It leaves checking what the walker makes of them to the fuzz targets. */
#include "scene.h"

#include <string.h>

/* Contents are kept in units of the smallest page, whatever page size the scene has. */
#define STORE_BYTES 4096u
#define STORE_COUNT 1024u
#define ADDRESS_END (UINT64_C(1) << 47)
#define ADDRESS_MIN UINT64_C(65536) /* vm.mmap_min_addr: nothing is ever mapped at 0. */
/* 256 MiB with 4 KiB pages: several thread heaps, and still read in well under a second. */
#define MAPPING_PAGES_MAX 65536u
#define REPEAT_MAX 1024u
/* In a whole scene: some pages full of the smallest chunks, and no input takes longer than milliseconds to decode. */
#define CHUNKS_REPEATED_MAX 16384u
#define BIN_COUNT 127u

enum operation {
    DO_CHUNK, DO_REPEAT, DO_WORD, DO_SEEK, DO_MAP, DO_HOLE, DO_COPY, DO_EMPTY_BINS, DO_POINTER, DO_TOP, DO_FENCE, DO_EVENT,
    DO_COUNT
};

struct record {
    unsigned char operation;
    unsigned char small;
    int16_t medium;
    uint32_t large;
};

static struct {
    uint64_t page[STORE_COUNT]; /* Page number plus one, 0 when the slot is free. */
    unsigned char bytes[STORE_COUNT][STORE_BYTES];
    unsigned used;
} store;

static unsigned repeated;

UNOBSERVED static unsigned char *stored_page(uint64_t address, bool make) {
    uint64_t page = address / STORE_BYTES + 1;
    unsigned slot = (unsigned)(page * UINT64_C(0x9E3779B97F4A7C15) >> 54);
    for (; store.page[slot] != 0; slot = (slot + 1) % STORE_COUNT) {
        if (store.page[slot] == page) return store.bytes[slot];
    }
    if (!make || store.used == STORE_COUNT / 2) return NULL;
    store.used++;
    store.page[slot] = page;
    memset(store.bytes[slot], 0, STORE_BYTES);
    return store.bytes[slot];
}

UNOBSERVED static void put_bytes(uint64_t address, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        size_t here = STORE_BYTES - address % STORE_BYTES < count ? STORE_BYTES - address % STORE_BYTES : count;
        unsigned char *page = stored_page(address, true);
        if (page != NULL) memcpy(page + address % STORE_BYTES, bytes, here);
        address += here;
        bytes += here;
        count -= here;
    }
}

UNOBSERVED static void put_word(uint64_t address, uint64_t word) { put_bytes(address, (const unsigned char *)&word, sizeof word); }

UNOBSERVED void scene_copy(uint64_t address, size_t bytes, unsigned char *out) {
    while (bytes > 0) {
        size_t here = STORE_BYTES - address % STORE_BYTES < bytes ? STORE_BYTES - address % STORE_BYTES : bytes;
        const unsigned char *page = stored_page(address, false);
        if (page == NULL) memset(out, 0, here);
        if (page != NULL) memcpy(out, page + address % STORE_BYTES, here);
        address += here;
        out += here;
        bytes -= here;
    }
}

UNOBSERVED enum page_state scene_page(const struct scene *scene, uint64_t address, uint64_t *until) {
    enum page_state state = PAGE_UNMAPPED;
    *until = UINT64_MAX;
    for (size_t i = 0; i < scene->mapping_count; i++) {
        const struct scene_mapping *mapping = &scene->mappings[i];
        if (address >= mapping->start && address < mapping->end) state = PAGE_RESIDENT;
        if (mapping->start > address && mapping->start < *until) *until = mapping->start;
        if (mapping->end > address && mapping->end < *until) *until = mapping->end;
    }
    for (size_t i = 0; i < scene->hole_count; i++) {
        const struct scene_hole *hole = &scene->holes[i];
        if (address >= hole->start && address < hole->end && state != PAGE_UNMAPPED) state = hole->state;
        if (hole->start > address && hole->start < *until) *until = hole->start;
        if (hole->end > address && hole->end < *until) *until = hole->end;
    }
    return state;
}

bool scene_changes(const struct scene *scene) { return scene->event_count != 0; }

static void add_hole(struct scene *scene, uint64_t start, uint64_t pages, enum page_state state) {
    if (scene->hole_count == SCENE_HOLES_MAX) return;
    start -= start % scene->page_bytes;
    scene->holes[scene->hole_count++] = (struct scene_hole){start, start + pages * scene->page_bytes, state};
}

static void resize(struct scene *scene, const struct scene_event *event) {
    if (scene->mapping_count == 0) return;
    size_t index = event->index % scene->mapping_count;
    struct scene_mapping *mapping = &scene->mappings[index];
    uint64_t limit = index + 1 < scene->mapping_count ? scene->mappings[index + 1].start : ADDRESS_END;
    uint64_t end = mapping->end + event->value / scene->page_bytes * scene->page_bytes;
    if ((int64_t)event->value < 0) end = mapping->end - -event->value / scene->page_bytes * scene->page_bytes;
    if (end < mapping->start || end > ADDRESS_END) end = mapping->start;
    mapping->end = end < limit ? end : limit;
}

static void happen(struct scene *scene, const struct scene_event *event) {
    uint64_t word;
    switch (event->kind) {
        case EVENT_WRITE: put_word(event->address, event->value); break;
        case EVENT_TOGGLE:
            scene_copy(event->address, sizeof word, (unsigned char *)&word);
            put_word(event->address, word ^ event->value);
            break;
        case EVENT_FAIL:
            scene->fails = true;
            scene->fail_choice = event->value;
            break;
        case EVENT_RESIZE: resize(scene, event); break;
        case EVENT_DROP: add_hole(scene, event->address, 1, PAGE_ABSENT); break;
        case EVENT_EXEC: scene->replaced = true; break;
        case EVENT_EXIT: scene->gone = true; break;
        case EVENT_KINDS: break;
    }
}

UNOBSERVED void scene_tick(struct scene *scene) {
    scene->step++;
    scene->fails = false;
    for (size_t i = 0; i < scene->event_count; i++) {
        const struct scene_event *event = &scene->events[i];
        if (event->every ? scene->step % event->step == 0 : scene->step == event->step) happen(scene, event);
    }
}

static void add_mapping(struct scene *scene, uint64_t start, uint64_t pages, enum mapping_kind kind) {
    size_t at = 0;
    start = start % ADDRESS_END / scene->page_bytes * scene->page_bytes;
    uint64_t end = start + (pages % MAPPING_PAGES_MAX + 1) * scene->page_bytes;
    if (scene->mapping_count == SCENE_MAPPINGS_MAX || start < ADDRESS_MIN || end > ADDRESS_END) return;
    while (at < scene->mapping_count && scene->mappings[at].start < start) at++;
    if (at > 0 && scene->mappings[at - 1].end > start) return;
    if (at < scene->mapping_count && scene->mappings[at].start < end) return;
    memmove(&scene->mappings[at + 1], &scene->mappings[at], (scene->mapping_count - at) * sizeof scene->mappings[0]);
    scene->mappings[at] = (struct scene_mapping){start, end, kind};
    scene->mapping_count++;
}

static uint64_t end_of_mapping(const struct scene *scene, uint64_t address) {
    uint64_t until;
    while (scene_page(scene, address, &until) != PAGE_UNMAPPED) address = until;
    return address;
}

UNOBSERVED static void put_chunk(const struct record *record, uint64_t *cursor) {
    uint64_t bytes = record->large & ~UINT32_C(15);
    put_word(*cursor + 8, record->large);
    *cursor += bytes;
    if (record->small & 1) put_word(*cursor, bytes);
}

static void add_event(struct scene *scene, const struct record *record, uint64_t cursor, uint64_t value) {
    if (scene->event_count == SCENE_EVENTS_MAX) return;
    scene->events[scene->event_count++] = (struct scene_event){
        .step = (record->large & 0xFFFF) + 1,
        .every = (record->small & 0x80) != 0,
        .kind = (enum event_kind)((record->small & 0x7F) % EVENT_KINDS),
        .index = record->large >> 16,
        .address = cursor + (uint64_t)(record->medium * 8),
        .value = value,
    };
}

static const unsigned char *take(const unsigned char **at, const unsigned char *end, size_t bytes) {
    const unsigned char *taken = *at;
    if ((size_t)(end - taken) < bytes) return NULL;
    *at += bytes;
    return taken;
}

static void run_record(struct scene *scene, const struct record *record, struct record chunks[2], uint64_t *cursor,
                       const unsigned char **at, const unsigned char *end) {
    enum operation operation = (enum operation)(record->operation % DO_COUNT);
    bool wide = operation == DO_SEEK || operation == DO_MAP || operation == DO_POINTER || operation == DO_EVENT;
    uint64_t wide_value = 0;
    uint64_t near = *cursor + (uint64_t)(record->medium * 8);
    const unsigned char *bytes = wide ? take(at, end, sizeof wide_value) : NULL;
    if (wide && bytes == NULL) return;
    if (wide) memcpy(&wide_value, bytes, sizeof wide_value);
    switch (operation) {
        case DO_CHUNK:
            chunks[0] = chunks[1];
            chunks[1] = *record;
            put_chunk(record, cursor);
            break;
        case DO_REPEAT:
            for (unsigned i = 0; i < record->large % REPEAT_MAX && repeated < CHUNKS_REPEATED_MAX; i++, repeated++) {
                put_chunk(&chunks[i % 2], cursor);
            }
            break;
        case DO_WORD: put_word(near, (uint64_t)(int64_t)(int32_t)record->large << record->small % 64); break;
        case DO_SEEK: *cursor = wide_value % ADDRESS_END & ~UINT64_C(7); break;
        case DO_MAP:
            add_mapping(scene, wide_value, record->large, (enum mapping_kind)(record->small % MAPPING_KINDS));
            *cursor = wide_value % ADDRESS_END & ~UINT64_C(15);
            break;
        case DO_HOLE: add_hole(scene, near, record->large % 256 + 1, (enum page_state)(PAGE_ABSENT + record->small % 3)); break;
        case DO_COPY:
            bytes = take(at, end, record->large % 4096);
            if (bytes != NULL) put_bytes(near, bytes, record->large % 4096);
            break;
        case DO_EMPTY_BINS: /* As malloc_init_state leaves them: each bin points to 16 bytes in front of itself. */
            for (unsigned bin = 0; bin < BIN_COUNT; bin++) {
                put_word(near + 16 * bin, near + 16 * bin - 16);
                put_word(near + 16 * bin + 8, near + 16 * bin - 16);
            }
            break;
        case DO_POINTER: put_word(near, wide_value); break;
        case DO_TOP: put_word(*cursor + 8, (end_of_mapping(scene, *cursor) - *cursor) | (record->large & 7)); break;
        case DO_FENCE:
            put_word(*cursor + 8, 16 | (record->large & 7));
            put_word(*cursor + 24, record->large >> 3 & 7);
            *cursor += 32;
            break;
        case DO_EVENT: add_event(scene, record, *cursor, wide_value); break;
        case DO_COUNT: break;
    }
}

void scene_decode(struct scene *scene, const unsigned char *data, size_t size) {
    const unsigned char *end = data + size;
    struct record chunks[2] = {{.large = 32 | 1}, {.large = 32 | 1}};
    uint64_t cursor = 0;
    memset(scene, 0, sizeof *scene);
    memset(store.page, 0, sizeof store.page);
    store.used = 0;
    repeated = 0;
    scene->page_bytes = 4096;
    const unsigned char *options = take(&data, end, sizeof scene->options);
    if (options == NULL) return;
    memcpy(scene->options, options, sizeof scene->options);
    scene->page_bytes = UINT64_C(4096) << 2 * (scene->options[0] % 3);
    for (const unsigned char *bytes; (bytes = take(&data, end, sizeof(struct record))) != NULL;) {
        struct record record;
        memcpy(&record, bytes, sizeof record);
        run_record(scene, &record, chunks, &cursor, &data, end);
    }
}
