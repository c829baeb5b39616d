/* Finds thread arenas: looks for heap_info at every 64 MiB boundary of writable memory, then checks that what it found
 * forms whole arenas. It leaves the forms of glibc's structures to arena_layout.c. */
#include "arenas.h"

#include <stdlib.h>

#define HEAP_INFO_BYTES_READ 32 /* ar_ptr, prev, size, mprotect_size: the part that all versions share. */
#define HEAP_INFO_BYTES_LIKELY_MAX 256

enum look { LOOK_OTHER, LOOK_HEAP, LOOK_GROWN, LOOK_STRANGE };

/* A first heap begins with a pointer to the arena just behind its heap_info, and no heap comes before it. When the rest does
 * not fit, the heap has grown since the maps were read, or glibc has a new form; but it is not to be left out. Others begin
 * their memory with a pointer into it too: PHP's chunks do (zend_mm_chunk: heap, next, prev), and one of them in 32 lies at
 * such a boundary. A heap that would be wrongly taken for foreign is missed by check_ring, and nothing is told then. */
static enum look look_at_heap(const unsigned char *info, uint64_t start, uint64_t range_end, uint64_t page_bytes,
                              struct arena_heap *heap) {
    uint64_t arena = word_at(info);
    uint64_t previous = word_at(info + 8);
    uint64_t bytes = word_at(info + 16);
    uint64_t writable_bytes = word_at(info + 24);
    bool sized = bytes != 0 && bytes <= writable_bytes && writable_bytes <= ARENA_HEAP_BYTES_MAX &&
                 (bytes | writable_bytes) % page_bytes == 0;
    bool mapped = writable_bytes <= range_end - start;
    uint64_t arena_heap = align_down(arena, ARENA_HEAP_BYTES_MAX);
    bool behind_heap_info = arena > arena_heap && arena - arena_heap <= HEAP_INFO_BYTES_LIKELY_MAX && arena % 16 == 0;
    bool linked = previous % ARENA_HEAP_BYTES_MAX == 0 && (previous == 0) == (arena_heap == start) && previous != start;
    *heap = (struct arena_heap){
        .region = {.start = start, .end = start + bytes, .main_arena = false},
        .arena_address = arena,
        .previous = previous,
    };
    if (sized && mapped && behind_heap_info && linked) return LOOK_HEAP;
    if (!behind_heap_info || arena_heap != start || previous != 0) return LOOK_OTHER;
    return sized ? LOOK_GROWN : LOOK_STRANGE;
}

static enum walk_reason take_heaps(struct process_memory *process, const uint64_t *starts, const uint64_t *ends, size_t count,
                                   struct arenas *arenas, unsigned char *infos) {
    enum access pieces[PEEK_COUNT_MAX];
    enum access access = process_memory_peek(process, starts, count, HEAP_INFO_BYTES_READ, infos, pieces);
    if (access != ACCESS_OK) return reason_of_access(access);
    for (size_t i = 0; i < count; i++) {
        struct arena_heap heap;
        /* It may be a heap_info, and leaving an arena out would be a wrong figure. */
        if (pieces[i] == ACCESS_SWAPPED) return WALK_SWAPPED;
        if (pieces[i] != ACCESS_OK) continue;
        enum look look = look_at_heap(infos + i * HEAP_INFO_BYTES_READ, starts[i], ends[i], process->memory.page_bytes, &heap);
        if (look == LOOK_GROWN) return WALK_CHANGED;
        if (look == LOOK_STRANGE) return WALK_LAYOUT;
        if (look == LOOK_OTHER) continue;
        if (arenas->heap_count == ARENA_HEAP_MAX) return WALK_TOO_MANY_MAPS;
        arenas->heaps[arenas->heap_count++] = heap;
    }
    return WALK_OK;
}

static enum walk_reason look_at(struct process_memory *process, const uint64_t *starts, const uint64_t *ends, size_t count,
                                struct arenas *arenas) {
    unsigned char infos[PEEK_COUNT_MAX * HEAP_INFO_BYTES_READ];
    enum walk_reason reason = take_heaps(process, starts, ends, count, arenas, infos);
    explicit_bzero(infos, sizeof infos);
    return reason;
}

static enum walk_reason find_heaps(struct process_memory *process, const struct maps *maps, struct arenas *arenas) {
    uint64_t starts[PEEK_COUNT_MAX];
    uint64_t ends[PEEK_COUNT_MAX];
    size_t count = 0;
    for (size_t i = 0; i < maps->arena_range_count; i++) {
        const struct range *range = &maps->arena_ranges[i];
        for (uint64_t start = range->start; start < range->end; start += ARENA_HEAP_BYTES_MAX) {
            starts[count] = start;
            ends[count++] = range->end;
            if (count < PEEK_COUNT_MAX) continue;
            enum walk_reason reason = look_at(process, starts, ends, count, arenas);
            if (reason != WALK_OK) return reason;
            count = 0;
        }
    }
    return count == 0 ? WALK_OK : look_at(process, starts, ends, count, arenas);
}

static enum walk_reason read_arenas(struct process_memory *process, struct arenas *arenas, unsigned char *state) {
    for (size_t i = 0; i < arenas->heap_count; i++) {
        struct arena_heap *heap = &arenas->heaps[i];
        if (heap->previous != 0) continue;
        enum access access = process_memory_copy(process, heap->arena_address, state, ARENA_STATE_BYTES_MAX);
        if (access != ACCESS_OK) return reason_of_access(access);
        uint64_t heap_info_bytes = heap->arena_address - heap->region.start;
        const struct arena_layout *found = arena_layout_recognise(state, heap->arena_address, heap_info_bytes);
        if (found == NULL || (arenas->layout != NULL && found != arenas->layout)) return WALK_LAYOUT;
        if (arenas->arena_count == ARENA_MAX) return WALK_TOO_MANY_MAPS;
        arenas->layout = found;
        heap->region.first_chunk = align_up(heap->arena_address + found->state_bytes, 16);
        arenas->arenas[arenas->arena_count++] = (struct arena){
            .address = heap->arena_address, .next = word_at(state + found->next), .top = word_at(state + found->top)};
    }
    return WALK_OK;
}

void main_arena_set(struct main_arena *arena, const struct arena_layout *layout, const unsigned char *state, uint64_t address) {
    *arena = (struct main_arena){
        .found = true,
        .noncontiguous = arena_state_is_noncontiguous(state),
        .address = address,
        .top = word_at(state + layout->top),
        .held_bytes = word_at(state + layout->system_mem),
    };
}

static int compare_heaps(const void *key, const void *element) {
    uint64_t start = *(const uint64_t *)key;
    uint64_t other = ((const struct arena_heap *)element)->region.start;
    return (start > other) - (start < other);
}

static int compare_arenas(const void *key, const void *element) {
    uint64_t address = *(const uint64_t *)key;
    uint64_t other = ((const struct arena *)element)->address;
    return (address > other) - (address < other);
}

size_t arenas_index(const struct arenas *arenas, uint64_t address) {
    const struct arena *found = bsearch(&address, arenas->arenas, arenas->arena_count, sizeof *found, compare_arenas);
    return found == NULL ? ARENA_MAX : (size_t)(found - arenas->arenas);
}

const struct arena_heap *arenas_heap_at(const struct arenas *arenas, uint64_t address) {
    uint64_t start = align_down(address, ARENA_HEAP_BYTES_MAX);
    return bsearch(&start, arenas->heaps, arenas->heap_count, sizeof arenas->heaps[0], compare_heaps);
}

static bool has_heap(const struct arenas *arenas, uint64_t start, uint64_t arena_address) {
    const struct arena_heap *found = arenas_heap_at(arenas, start);
    return found != NULL && found->arena_address == arena_address;
}

static enum walk_reason check_links(struct arenas *arenas, uint64_t heap_info_bytes) {
    for (size_t i = 0; i < arenas->heap_count; i++) {
        struct arena_heap *heap = &arenas->heaps[i];
        if (heap->previous == 0) continue;
        if (arenas_index(arenas, heap->arena_address) == ARENA_MAX) return WALK_CHANGED;
        if (!has_heap(arenas, heap->previous, heap->arena_address)) return WALK_CHANGED;
        heap->region.first_chunk = heap->region.start + heap_info_bytes;
    }
    for (size_t i = 0; i < arenas->arena_count; i++) {
        const struct arena *arena = &arenas->arenas[i];
        if (!has_heap(arenas, align_down(arena->top, ARENA_HEAP_BYTES_MAX), arena->address)) return WALK_CHANGED;
    }
    return WALK_OK;
}

/* Goes once around the ring from main_arena and must meet every arena that we found: neither one that we do not know nor
 * fewer. Without this an arena in a form we do not recognise would silently be missing from the figures. */
static enum walk_reason check_ring(struct process_memory *process, struct arenas *arenas, unsigned char *state) {
    const struct arena_layout *layout = arenas->layout;
    uint64_t main_address = 0;
    for (size_t i = 0; i < arenas->arena_count; i++) {
        uint64_t next = arenas->arenas[i].next;
        if (arenas_index(arenas, next) != ARENA_MAX) continue;
        if (main_address != 0) return WALK_CHANGED;
        main_address = next;
    }
    if (main_address == 0 || main_address % 8 != 0) return WALK_LAYOUT;
    enum walk_reason reason = reason_of_access(process_memory_copy(process, main_address, state, ARENA_STATE_BYTES_MAX));
    if (reason != WALK_OK) return reason;
    if (!arena_layout_fits(layout, state, main_address)) return WALK_LAYOUT;
    size_t met = 0;
    uint64_t at = word_at(state + layout->next);
    for (; at != main_address && met < arenas->arena_count; met++) {
        size_t index = arenas_index(arenas, at);
        if (index == ARENA_MAX) return WALK_CHANGED;
        arenas->arenas[index].number = arenas->arena_count - met;
        at = arenas->arenas[index].next;
    }
    if (at != main_address || met != arenas->arena_count) return WALK_CHANGED;
    main_arena_set(&arenas->main, layout, state, main_address);
    return WALK_OK;
}

enum walk_reason arenas_find(struct process_memory *process, const struct maps *maps, struct arenas *arenas) {
    unsigned char state[ARENA_STATE_BYTES_MAX];
    arenas->heap_count = 0;
    arenas->arena_count = 0;
    arenas->layout = NULL;
    arenas->main = (struct main_arena){.found = false};
    enum walk_reason reason = find_heaps(process, maps, arenas);
    if (reason == WALK_OK) reason = read_arenas(process, arenas, state);
    if (reason == WALK_OK && arenas->heap_count != 0) {
        reason = arenas->layout == NULL ? WALK_LAYOUT : check_links(arenas, arenas->layout->heap_info_bytes);
        if (reason == WALK_OK) reason = check_ring(process, arenas, state);
    }
    explicit_bzero(state, sizeof state);
    return reason;
}
