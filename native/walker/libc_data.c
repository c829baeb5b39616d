/* Searches libc's data, or a static program's, for the two structures of malloc, by links that nothing else has.
 * It leaves their forms to arena_layout.c and malloc_par.c. */
#include "libc_data.h"

#include "malloc_par.h"

/* libc's data takes 8 KiB, a static program's can be of any size. */
#define SEARCH_BYTES_MAX (UINT64_C(1) << 20)
/* Someone may have used brk before malloc did: a static program's TLS block; see first_chunk.c. */
#define SBRK_BASE_DISTANCE_MAX 16384

struct search {
    struct process_memory *process;
    struct range heap;
    uint64_t mmapped_bytes_max;
    struct arenas *arenas;
    struct mmapped *mmapped;
    bool swapped; /* A page that may hold what we look for is in swap. */
};

/* A page that is not there holds nothing that malloc uses, and others may do without one that is in swap. */
static enum walk_reason reason_of_miss(struct search *search, enum access access) {
    if (access == ACCESS_SWAPPED) search->swapped = true;
    return access == ACCESS_ABSENT || access == ACCESS_SWAPPED ? WALK_OK : reason_of_access(access);
}

/* The heap may have grown since the maps were read. */
static bool is_in_heap(const struct search *search, const struct main_arena *arena) {
    uint64_t bytes = search->heap.end - search->heap.start;
    if (arena->held_bytes > bytes) bytes = arena->held_bytes;
    return bytes != 0 && arena->top >= search->heap.start && arena->top - search->heap.start < bytes;
}

/* Several libcs can be loaded (dlmopen), each with a main arena: the one that counts has its top in the brk heap. */
static enum walk_reason take_arena(struct search *search, uint64_t address) {
    unsigned char state[ARENA_STATE_BYTES_MAX];
    const struct arena_layout *layout = NULL;
    struct main_arena found = {.found = false};
    enum access access = process_memory_copy(search->process, address, state, sizeof state);
    if (access == ACCESS_OK) layout = arena_layout_recognise_main(state, address);
    if (layout != NULL) main_arena_set(&found, layout, state, address);
    explicit_bzero(state, sizeof state);
    bool no_heap = search->heap.start == search->heap.end;
    if (layout != NULL && (no_heap || is_in_heap(search, &found))) {
        search->arenas->main = found;
        search->arenas->layout = layout;
    }
    return reason_of_miss(search, access);
}

static enum walk_reason take_par(struct search *search, uint64_t sbrk_base) {
    unsigned char bytes[MALLOC_PAR_BYTES];
    struct mmapped *mmapped = search->mmapped;
    enum access access = process_memory_copy(search->process, sbrk_base - MALLOC_PAR_BYTES_BEFORE, bytes, sizeof bytes);
    if (access == ACCESS_OK) {
        mmapped->complete = malloc_par_read(bytes, search->mmapped_bytes_max, &mmapped->bytes, &mmapped->count);
    }
    explicit_bzero(bytes, sizeof bytes);
    return reason_of_miss(search, access);
}

static enum walk_reason search_block(struct search *search) {
    const struct memory *memory = &search->process->memory;
    enum walk_reason reason = WALK_OK;
    for (uint64_t offset = 0; offset + 8 <= memory->block_bytes && reason == WALK_OK; offset += 8) {
        uint64_t word = word_at(memory->block + offset);
        uint64_t at = memory->block_start + offset;
        if (!search->arenas->main.found && arena_layout_may_be_alone(word, at)) reason = take_arena(search, word);
        bool in_heap = word >= search->heap.start && word < search->heap.end;
        if (!in_heap || word - search->heap.start >= SBRK_BASE_DISTANCE_MAX || search->mmapped->complete) continue;
        if (reason == WALK_OK) reason = take_par(search, at);
    }
    return reason;
}

enum walk_reason libc_data_read(struct process_memory *process, const struct maps *maps, struct range heap,
                                struct arenas *arenas, struct mmapped *mmapped) {
    struct search search = {.process = process, .heap = heap, .mmapped_bytes_max = maps->private_anonymous_bytes,
        .arenas = arenas, .mmapped = mmapped};
    struct memory *memory = &process->memory;
    uint64_t bytes_left = SEARCH_BYTES_MAX;
    enum walk_reason reason = WALK_OK;
    *mmapped = (struct mmapped){.complete = false};
    for (size_t i = 0; i < maps->data_count && reason == WALK_OK; i++) {
        uint64_t at = maps->data[i].start;
        uint64_t end = maps->data[i].end - at < bytes_left ? maps->data[i].end : at + bytes_left;
        bytes_left -= end - at;
        memory_drop_block(memory);
        while (at < end && reason == WALK_OK && (!arenas->main.found || !mmapped->complete)) {
            enum access access = memory->load(memory, at, end);
            reason = access == ACCESS_OK ? search_block(&search) : reason_of_miss(&search, access);
            at = access == ACCESS_OK ? memory->block_start + memory->block_bytes : at + memory->page_bytes;
        }
    }
    bool missed = search.swapped && maps->data_is_libc && !arenas->main.found && heap.start < heap.end;
    return reason == WALK_OK && missed ? WALK_SWAPPED : reason;
}
