/* The tables of the profile wrapper under many threads and under ThreadSanitizer: what was added is found once, what was removed
 * is gone, what does not fit is said, and the logarithm is one. It leaves whole programs to profile_sites. */
#include "../../native/profile/live.h"
#include "../../native/profile/stacks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4
#define BLOCKS 5000
#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

static uint64_t stack_count = 1;

static const void *block(size_t thread, size_t i) { return (const void *)(uintptr_t)(0x7f0000000000 + (thread * BLOCKS + i) * 4112); }

static struct tidemark_profile_stack stack_of(uint64_t number) {
    struct tidemark_profile_stack stack = {.depth = 3, .frames = {0x400000 + number, 0x500000, 0x600000 + number / 7}};
    return stack;
}

static void *add_and_remove(void *number) {
    size_t me = (size_t)number;
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            struct tidemark_profile_stack stack = stack_of(i % 100);
            uint64_t index = stacks_intern(&stack, &stack_count);
            struct live_sample sample = {.bytes_and_stack = i + 1, .birth = me};
            EXPECT(index < TIDEMARK_PROFILE_STACKS);
            EXPECT(live_add(block(me, i), sample));
            EXPECT(live_may_have(block(me, i)));
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            struct live_sample sample;
            EXPECT(live_remove(block(me, i), &sample));
            EXPECT(sample.bytes_and_stack == i + 1 && sample.birth == me);
            EXPECT(!live_remove(block(me, i), &sample));
        }
    }
    return NULL;
}

static void fill(void) {
    size_t added = 0;
    for (size_t i = 0; i < 2 * TIDEMARK_PROFILE_SLOTS; i++)
        added += live_add((const void *)(uintptr_t)(0x600000000000 + i * 48), (struct live_sample){.bytes_and_stack = 1, .birth = 1});
    /* Two groups of eight for each address: some stay free, none is used twice. */
    EXPECT(added <= TIDEMARK_PROFILE_SLOTS && added > TIDEMARK_PROFILE_SLOTS * 95 / 100);
    size_t removed = 0;
    for (size_t i = 0; i < 2 * TIDEMARK_PROFILE_SLOTS; i++) {
        struct live_sample sample;
        removed += live_remove((const void *)(uintptr_t)(0x600000000000 + i * 48), &sample);
    }
    EXPECT(removed == added);
}

static void fill_stacks(void) {
    size_t kept = 0;
    for (uint64_t i = 0; i < 2 * TIDEMARK_PROFILE_STACKS; i++) {
        struct tidemark_profile_stack stack = stack_of(1000 + i);
        kept += stacks_intern(&stack, &stack_count) != 0;
    }
    EXPECT(stack_count == TIDEMARK_PROFILE_STACKS && kept < TIDEMARK_PROFILE_STACKS && kept > TIDEMARK_PROFILE_STACKS - 200);
    struct tidemark_profile_stack known = stack_of(1000), none = {.depth = 0};
    uint32_t index = stacks_intern(&known, &stack_count);
    EXPECT(index != 0 && stacks[index].frames[0] == 0x400000 + 1000 && stacks[index].depth == 3);
    EXPECT(stacks_intern(&none, &stack_count) == 0);
}

int main(void) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, add_and_remove, (void *)i);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < FILTER_COUNTS; i++) EXPECT(live_filter[i] == 0);
    EXPECT(stack_count <= 101 && stack_count > 90);
    fill();
    fill_stacks();
    return 0;
}
