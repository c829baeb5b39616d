/* A hash table of small groups of slots, each block in one of two groups; a slot is taken and given back by one atomic store.
 * It leaves the meaning of what is kept to sample.c. */
#include "live.h"

#define GROUP_SLOTS 8
#define GROUP_COUNT (TIDEMARK_PROFILE_SLOTS / GROUP_SLOTS)
#define EMPTY 0
#define TAKEN 1
/* A count that got here stays: what it stood for is no longer known. That costs time and nothing else. */
#define FILTER_STUCK UINT8_MAX

uint8_t live_filter[FILTER_COUNTS];
struct tidemark_profile_slot live_slots[TIDEMARK_PROFILE_SLOTS];

/* Fibonacci hashing, Knuth volume 3, 6.4. */
static struct tidemark_profile_slot *group_of(uintptr_t address, unsigned choice) {
    uint64_t mixed = (uint64_t)(address >> 4) * UINT64_C(0x9E3779B97F4A7C15);
    return &live_slots[(mixed >> (choice == 0 ? 48 : 24)) % GROUP_COUNT * GROUP_SLOTS];
}

static void count_up(uint8_t *count) {
    uint8_t seen = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (seen != FILTER_STUCK &&
           !__atomic_compare_exchange_n(count, &seen, (uint8_t)(seen + 1), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static void count_down(uint8_t *count) {
    uint8_t seen = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (seen != FILTER_STUCK && seen != 0 &&
           !__atomic_compare_exchange_n(count, &seen, (uint8_t)(seen - 1), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static bool take(struct tidemark_profile_slot *slot) {
    uint64_t expected = EMPTY;
    return __atomic_load_n(&slot->address, __ATOMIC_RELAXED) == EMPTY &&
           __atomic_compare_exchange_n(&slot->address, &expected, TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

bool live_add(const void *memory, struct live_sample sample) {
    uintptr_t address = (uintptr_t)memory;
    for (unsigned choice = 0; choice < 2; choice++) {
        struct tidemark_profile_slot *group = group_of(address, choice);
        for (unsigned i = 0; i < GROUP_SLOTS; i++) {
            if (!take(&group[i])) continue;
            count_up(&live_filter[live_filter_index(address)]);
            __atomic_store_n(&group[i].bytes_and_stack, sample.bytes_and_stack, __ATOMIC_RELAXED);
            __atomic_store_n(&group[i].birth, sample.birth, __ATOMIC_RELAXED);
            __atomic_store_n(&group[i].address, address, __ATOMIC_RELEASE);
            return true;
        }
    }
    return false;
}

bool live_remove(const void *memory, struct live_sample *sample) {
    uintptr_t address = (uintptr_t)memory;
    if (address <= TAKEN) return false;
    for (unsigned choice = 0; choice < 2; choice++) {
        struct tidemark_profile_slot *group = group_of(address, choice);
        for (unsigned i = 0; i < GROUP_SLOTS; i++) {
            if (__atomic_load_n(&group[i].address, __ATOMIC_ACQUIRE) != address) continue;
            sample->bytes_and_stack = __atomic_load_n(&group[i].bytes_and_stack, __ATOMIC_RELAXED);
            sample->birth = __atomic_load_n(&group[i].birth, __ATOMIC_RELAXED);
            /* Two threads that free one block twice meet here, and one of them finds it gone. */
            uint64_t expected = address;
            if (!__atomic_compare_exchange_n(&group[i].address, &expected, EMPTY, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
                return false;
            count_down(&live_filter[live_filter_index(address)]);
            return true;
        }
    }
    return false;
}
