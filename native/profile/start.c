/* Runs when the library is loaded: settles whether samples are taken, and how far apart.
 * It leaves taking them to sample.c. LD_PRELOAD is the consent; TIDEMARK_PROFILE=0 takes it back, and
 * TIDEMARK_PROFILE_BYTES sets the mean distance. After this there is no system call, whatever filter the program takes on. */
#include <stddef.h>
#include <sys/auxv.h>

#include "../preload/text.h"
#include "next.h"
#include "sample.h"

/* As tcmalloc's and jemalloc's own: one sample costs some microseconds, 512 KiB of small blocks some hundred. */
#define MEAN_BYTES_DEFAULT (UINT64_C(512) << 10)
/* Below, sampling is no sampling any more; above, nothing is ever seen. */
#define MEAN_BYTES_MIN (UINT64_C(4) << 10)
#define MEAN_BYTES_MAX (UINT64_C(1) << 30)

extern unsigned long getauxval(unsigned long type) __attribute__((weak));

static uint64_t mean_bytes(const char *value) {
    uint64_t bytes = 0;
    if (value == NULL || !text_to_number(value, &bytes)) return MEAN_BYTES_DEFAULT;
    return bytes < MEAN_BYTES_MIN ? MEAN_BYTES_MIN : bytes > MEAN_BYTES_MAX ? MEAN_BYTES_MAX : bytes;
}

/* 16 random bytes that the kernel leaves for every program. man 3 getauxval, AT_RANDOM. */
static uint64_t random_seed(void) {
    uint64_t words[2] = {0, 0};
    uintptr_t from = getauxval != NULL ? getauxval(AT_RANDOM) : 0;
    if (from != 0) __builtin_memcpy(words, (const void *)from, sizeof words);
    return words[0] ^ words[1] << 1;
}

/* glibc hands constructors what main gets (elf/dl-init.c); with any other C library we stay out. */
__attribute__((constructor)) static void start(int count, char **arguments, char **environment) {
    (void)count, (void)arguments;
    bool found = next_find();
    if (found) next_protect();
    if (!found || !next_table.is_glibc) {
        sample_stay_out(TIDEMARK_PROFILE_NOT_GLIBC);
        return;
    }
    if (getauxval == NULL || getauxval(AT_SECURE) != 0) {
        sample_stay_out(TIDEMARK_PROFILE_SECURE);
        return;
    }
    const char *wanted = text_in_environment(environment, "TIDEMARK_PROFILE=");
    if (wanted != NULL && text_equal(wanted, "0")) sample_stay_out(TIDEMARK_PROFILE_TURNED_OFF);
    else sample_start(mean_bytes(text_in_environment(environment, "TIDEMARK_PROFILE_BYTES=")), random_seed());
}
