/* A Poisson process over the bytes that each thread asks for: the distance between samples is exponential, so an allocation of
 * n bytes is sampled with the probability 1 - exp(-n / mean), whatever came before it, and a reader can scale up without bias.
 * It leaves stacks to unwind.c and stacks.c, and blocks to live.c. No lock, no system call and no allocation. */
#include "sample.h"

#include "stacks.h"
#include "unwind.h"

/* Asked again so soon while it is not known whether to sample. */
#define LOOK_BYTES 65536
#define BYTES_MAX ((UINT64_C(1) << 48) - 1)

_Thread_local uint64_t sample_bytes_left __attribute__((tls_model("initial-exec")));
static _Thread_local uint64_t random_state __attribute__((tls_model("initial-exec")));
/* A signal handler that allocates while its thread takes a sample takes none. */
static _Thread_local bool is_busy __attribute__((tls_model("initial-exec")));

static uint64_t seed;
static uint64_t thread_count;

/* In .data, where the reader looks for it: `self` is not 0 in the file. */
static struct tidemark_profile profile __attribute__((used)) = {
    .magic = TIDEMARK_PROFILE_MAGIC,
    .self = (uint64_t)(uintptr_t)&profile,
    .version = TIDEMARK_PROFILE_VERSION,
    .slots = (uint64_t)(uintptr_t)live_slots,
    .stacks = (uint64_t)(uintptr_t)stacks,
    .slot_count = TIDEMARK_PROFILE_SLOTS,
    .stack_count_max = TIDEMARK_PROFILE_STACKS,
    .stack_count = 1,
};

/* SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static uint64_t random_word(void) {
    uint64_t word = random_state += UINT64_C(0x9E3779B97F4A7C15);
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

/* Natural logarithm of a normal number above 0, good to 1e-8: 2 artanh((m-1)/(m+1)) for a mantissa near 1. */
static double logarithm(double number) {
    uint64_t bits;
    __builtin_memcpy(&bits, &number, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    double mantissa;
    __builtin_memcpy(&mantissa, &bits, sizeof mantissa);
    if (mantissa > 1.4142135623730951) {
        mantissa /= 2;
        exponent++;
    }
    double x = (mantissa - 1) / (mantissa + 1), square = x * x;
    double series = 1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7 + square * (1.0 / 9 + square / 11))));
    return exponent * 0.6931471805599453 + 2 * x * series;
}

/* At least 1, so that an allocation of no bytes is never sampled. */
static uint64_t draw_distance(uint64_t mean_bytes) {
    double uniform = ((double)(random_word() >> 11) + 0.5) / 9007199254740992.0; /* 2^53: never 0, never 1. */
    return 1 + (uint64_t)(-logarithm(uniform) * (double)mean_bytes);
}

bool sample_is_due(size_t bytes) {
    uint32_t state = __atomic_load_n(&profile.state, __ATOMIC_ACQUIRE);
    if (state != TIDEMARK_PROFILE_ON) {
        sample_bytes_left = state == TIDEMARK_PROFILE_NOT_STARTED ? LOOK_BYTES : UINT64_MAX;
        return false;
    }
    bool is_new = random_state == 0;
    if (is_new) {
        uint64_t number = __atomic_add_fetch(&thread_count, 1, __ATOMIC_RELAXED);
        random_state = seed + number * UINT64_C(0xD1B54A32D192ED03);
        random_state += random_state == 0;
    }
    sample_bytes_left = draw_distance(profile.mean_bytes);
    if (!is_new) return !is_busy;
    /* Nothing was drawn for this allocation yet. */
    if (bytes >= sample_bytes_left) {
        sample_bytes_left = draw_distance(profile.mean_bytes);
        return !is_busy;
    }
    sample_bytes_left -= bytes;
    return false;
}

void sample_add(const void *memory, size_t bytes) {
    if (memory == NULL || is_busy) return;
    is_busy = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    struct tidemark_profile_stack stack;
    unwind(&stack);
    uint64_t index = stacks_intern(&stack, &profile.stack_count);
    if (index == 0) (void)__atomic_fetch_add(&profile.stack_dropped_count, 1, __ATOMIC_RELAXED);
    struct live_sample sample = {
        .bytes_and_stack = (bytes < BYTES_MAX ? bytes : BYTES_MAX) | index << 48,
        .birth = __atomic_add_fetch(&profile.sample_count, 1, __ATOMIC_RELAXED),
    };
    sample_put_back(memory, sample);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    is_busy = false;
}

void sample_put_back(const void *memory, struct live_sample sample) {
    if (!live_add(memory, sample)) (void)__atomic_fetch_add(&profile.dropped_count, 1, __ATOMIC_RELAXED);
}

bool sample_remove(const void *memory, struct live_sample *sample) { return live_remove(memory, sample); }

void sample_start(uint64_t mean_bytes, uint64_t random) {
    unwind_start();
    seed = random;
    profile.mean_bytes = mean_bytes;
    __atomic_store_n(&profile.state, TIDEMARK_PROFILE_ON, __ATOMIC_RELEASE);
}

void sample_stay_out(enum tidemark_profile_state why) { __atomic_store_n(&profile.state, (uint32_t)why, __ATOMIC_RELEASE); }
