/* Follows the fastbin lists, which lead back and forth through the heap: a page at a time, and not without end.
 * It leaves the place of the lists to arena_layout.c. Source: fastbinsY and PROTECT_PTR in malloc/malloc.c of glibc. */
#include "fastbins.h"

/* Measured: a page costs 1.2 us, and walking 32 KiB of heap some 10 us. So the lists cost at most an eighth of the walk, or
 * 5 ms. */
#define HEAP_BYTES_PER_LOAD (UINT64_C(32) << 10)
#define LOADS_ALWAYS 4096
/* A list that changes while we follow it is followed again. */
#define TRIES_MAX 3

/* How links are written: as they are, or from 2.32 on mixed with the address they are stored at. A single link may make sense
 * in both, where the heap lies low, but no whole list does: read in the wrong form, its end is not one. */
enum link_form { LINKS_PLAIN, LINKS_MIXED };

struct following {
    struct process_memory *process;
    const struct arenas *arenas;
    struct range main_heap;
    enum link_form form;
    uint64_t loads;
    uint64_t loads_max;
};

enum verdict { LIST_SOUND, LIST_BROKEN, LIST_TOO_LONG };

/* Whether a chunk of this arena can be at `address`; 0 stands for the main arena. */
static bool is_place(const struct following *following, uint64_t arena, uint64_t address) {
    if (address % 16 != 0) return false;
    if (arena == 0) return address >= following->main_heap.start && address < following->main_heap.end;
    const struct arena_heap *heap = arenas_heap_at(following->arenas, address);
    return heap != NULL && heap->arena_address == arena && address >= heap->region.first_chunk && address < heap->region.end;
}

static enum verdict read_word(struct following *following, uint64_t address, uint64_t *word) {
    struct memory *memory = &following->process->memory;
    if (address < memory->block_start || address - memory->block_start >= memory->block_bytes) {
        if (following->loads == following->loads_max) return LIST_TOO_LONG;
        following->loads++;
        enum access access = memory->load(memory, address, align_down(address, memory->page_bytes) + memory->page_bytes);
        if (access == ACCESS_BUDGET) return LIST_TOO_LONG;
        if (access != ACCESS_OK) return LIST_BROKEN;
    }
    *word = word_at(memory->block + (address - memory->block_start));
    return LIST_SOUND;
}

static enum verdict follow(struct following *following, uint64_t arena, uint64_t head, uint64_t chunk_bytes, struct parked *list) {
    uint64_t chunks_a_page = following->process->memory.page_bytes / 32;
    uint64_t loads_before = following->loads;
    *list = (struct parked){.known = true};
    memory_drop_block(&following->process->memory);
    for (uint64_t chunk = head; chunk != 0;) {
        uint64_t size_word, link;
        enum verdict verdict = LIST_BROKEN;
        if (is_place(following, arena, chunk)) verdict = read_word(following, chunk + 8, &size_word);
        if (verdict == LIST_SOUND && (size_word & ~UINT64_C(7)) != chunk_bytes) verdict = LIST_BROKEN;
        if (verdict == LIST_SOUND) verdict = read_word(following, chunk + 16, &link);
        if (verdict != LIST_SOUND) return verdict;
        chunk = following->form == LINKS_MIXED ? link ^ (chunk + 16) >> 12 : link;
        list->count++;
        list->bytes += chunk_bytes;
        /* A circle costs no loads, but it has more chunks than fit the pages that it lies on. */
        if (list->count > (following->loads - loads_before) * chunks_a_page) return LIST_BROKEN;
    }
    return LIST_SOUND;
}

static enum verdict count_bin(struct following *following, uint64_t arena, uint64_t head_at, uint64_t chunk_bytes,
                              struct parked *parked) {
    enum verdict verdict = LIST_BROKEN;
    for (unsigned tries = 0; tries < TRIES_MAX && verdict == LIST_BROKEN; tries++) {
        uint64_t head = 0;
        struct parked list;
        if (process_memory_copy(following->process, head_at, (unsigned char *)&head, sizeof head) != ACCESS_OK) break;
        verdict = follow(following, arena, head, chunk_bytes, &list);
        if (verdict != LIST_SOUND) continue;
        parked->bytes += list.bytes;
        parked->count += list.count;
    }
    return verdict;
}

/* `arena` is 0 for the main one, whose state is not in its heap. */
static enum verdict count_arena(struct following *following, uint64_t arena, uint64_t state_at, struct parked *parked) {
    uint64_t heads[FASTBIN_COUNT];
    uint64_t heads_at = state_at + following->arenas->layout->fastbins;
    enum access access = process_memory_copy(following->process, heads_at, (unsigned char *)heads, sizeof heads);
    enum verdict verdict = access == ACCESS_OK ? LIST_SOUND : LIST_BROKEN;
    for (unsigned bin = 0; bin < FASTBIN_COUNT && verdict == LIST_SOUND; bin++) {
        if (heads[bin] != 0) verdict = count_bin(following, arena, heads_at + 8 * bin, 32 + 16 * (uint64_t)bin, parked);
    }
    explicit_bzero(heads, sizeof heads);
    return verdict;
}

static enum verdict count_all(struct following *following, struct parked *parked) {
    const struct arenas *arenas = following->arenas;
    *parked = (struct parked){.known = true};
    enum verdict verdict = count_arena(following, 0, arenas->main.address, parked);
    for (size_t i = 0; i < arenas->arena_count && verdict == LIST_SOUND; i++) {
        verdict = count_arena(following, arenas->arenas[i].address, arenas->arenas[i].address, parked);
    }
    return verdict;
}

struct parked fastbins_count(struct process_memory *process, const struct arenas *arenas, struct range main_heap,
                             uint64_t heap_bytes) {
    struct following following = {.process = process, .arenas = arenas, .main_heap = main_heap, .form = LINKS_MIXED,
        .loads_max = LOADS_ALWAYS + heap_bytes / HEAP_BYTES_PER_LOAD};
    struct parked parked = {.known = arenas->main.found};
    if (!parked.known || arenas->layout->fastbins == 0) return parked;
    enum verdict verdict = count_all(&following, &parked);
    if (verdict == LIST_BROKEN) {
        following.form = LINKS_PLAIN;
        verdict = count_all(&following, &parked);
    }
    parked.known = verdict == LIST_SOUND;
    return parked;
}
