/* What libtidemark-profile.so keeps in the memory of its process, for whoever may read that memory: samples of live blocks.
 * It leaves filling it to profile/, and reading it (by /proc/pid/mem) to local/profile/wrapper.ts, which knows these offsets. */
#ifndef TIDEMARK_PROFILE_ABI_H
#define TIDEMARK_PROFILE_ABI_H

#include <stddef.h>
#include <stdint.h>

/* 16 bytes with its NUL, in the library's own writable data: a reader finds it by looking there, and `self` proves the find. */
#define TIDEMARK_PROFILE_MAGIC "TIDEMARK-PROFIL"
#define TIDEMARK_PROFILE_VERSION 1

/* 65,536 samples are 32 GiB of live blocks at the default mean. */
#define TIDEMARK_PROFILE_SLOTS 65536
/* Programs have some hundreds of stacks that allocate; what has more shows the rest as one. */
#define TIDEMARK_PROFILE_STACKS 8192
#define TIDEMARK_PROFILE_FRAMES 63

enum tidemark_profile_state {
    TIDEMARK_PROFILE_NOT_STARTED = 0,
    TIDEMARK_PROFILE_ON = 1,
    TIDEMARK_PROFILE_TURNED_OFF = 2,   /* TIDEMARK_PROFILE=0. */
    TIDEMARK_PROFILE_NOT_GLIBC = 3,    /* malloc is another library's, or comes before ours. */
    TIDEMARK_PROFILE_SECURE = 4        /* A set-user-ID program. */
};

/* One sampled block that is live. 0 in `address`: none; 1: being filled. Everything else is written before the address. */
struct tidemark_profile_slot {
    uint64_t address;
    uint64_t bytes_and_stack; /* Bytes asked for in the lower 48 bits, index of the stack in the upper 16. */
    uint64_t birth;           /* Number of the sample, from 1 on. */
};

/* Return addresses, innermost first. Stack 0 has none: what could not be told apart. */
struct tidemark_profile_stack {
    uint32_t depth;
    uint32_t is_cut; /* There were more frames. */
    uint64_t frames[TIDEMARK_PROFILE_FRAMES];
};

struct tidemark_profile {
    char magic[16];
    uint64_t self;       /* Its own address. */
    uint32_t version;
    uint32_t state;      /* enum tidemark_profile_state. */
    uint64_t mean_bytes; /* Of the exponential distribution of bytes between samples. */
    uint64_t slots;      /* Addresses of the arrays. */
    uint64_t stacks;
    uint32_t slot_count;
    uint32_t stack_count_max;
    uint64_t stack_count;         /* Stacks in use, stack 0 among them. */
    uint64_t sample_count;        /* Ever taken. */
    uint64_t dropped_count;       /* Of these, not kept, for want of a slot. */
    uint64_t stack_dropped_count; /* Of these, kept under stack 0. */
};

_Static_assert(sizeof(struct tidemark_profile_slot) == 24, "local/profile/wrapper.ts reads these offsets");
_Static_assert(sizeof(struct tidemark_profile_stack) == 512, "local/profile/wrapper.ts reads these offsets");
_Static_assert(sizeof(struct tidemark_profile) == 96, "local/profile/wrapper.ts reads these offsets");
_Static_assert(TIDEMARK_PROFILE_STACKS <= UINT16_MAX + 1, "an index has 16 bits");

#endif
