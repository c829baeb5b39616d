/* Stacks lie one after the other, as they came; a hash table says where. Two stacks of one 64-bit hash count as one.
 * It leaves reading them to who reads the process. */
#include "stacks.h"

#define INDEX_SLOTS (2 * TIDEMARK_PROFILE_STACKS)
/* At most half of the index is in use: longer ways mean that it is full. */
#define WAY_MAX 64

struct entry {
    uint64_t hash;  /* 0: free. */
    uint32_t index; /* 0 until the stack lies there. */
};

struct tidemark_profile_stack stacks[TIDEMARK_PROFILE_STACKS];
static struct entry entries[INDEX_SLOTS];

/* FNV-1a by words, with a last mix so that the lower bits say enough. */
static uint64_t hash_of(const struct tidemark_profile_stack *stack) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325) ^ stack->is_cut;
    for (uint32_t i = 0; i < stack->depth; i++) hash = (hash ^ stack->frames[i]) * UINT64_C(0x100000001B3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
    return hash != 0 ? hash : 1;
}

static uint32_t put(const struct tidemark_profile_stack *stack, uint64_t *count) {
    uint64_t index = __atomic_load_n(count, __ATOMIC_RELAXED);
    do {
        if (index >= TIDEMARK_PROFILE_STACKS) return 0;
    } while (!__atomic_compare_exchange_n(count, &index, index + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    struct tidemark_profile_stack *to = &stacks[index];
    for (uint32_t i = 0; i < stack->depth; i++) __atomic_store_n(&to->frames[i], stack->frames[i], __ATOMIC_RELAXED);
    to->is_cut = stack->is_cut;
    __atomic_store_n(&to->depth, stack->depth, __ATOMIC_RELEASE);
    return (uint32_t)index;
}

uint32_t stacks_intern(const struct tidemark_profile_stack *stack, uint64_t *count) {
    if (stack->depth == 0) return 0;
    uint64_t hash = hash_of(stack);
    for (unsigned way = 0; way < WAY_MAX; way++) {
        struct entry *entry = &entries[(hash + way) % INDEX_SLOTS];
        uint64_t seen = __atomic_load_n(&entry->hash, __ATOMIC_RELAXED);
        bool is_new =
            seen == 0 && __atomic_compare_exchange_n(&entry->hash, &seen, hash, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        if (is_new) {
            uint32_t index = put(stack, count);
            __atomic_store_n(&entry->index, index, __ATOMIC_RELEASE);
            return index;
        }
        if (seen == hash) return __atomic_load_n(&entry->index, __ATOMIC_ACQUIRE);
    }
    return 0;
}
