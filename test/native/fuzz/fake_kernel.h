/* The few system calls that the walker makes, answered for one made-up process, on a clock that only calls move.
 * It leaves what that process consists of to scene.c or, as text, to the fuzz target. */
#ifndef TIDEMARK_TEST_FAKE_KERNEL_H
#define TIDEMARK_TEST_FAKE_KERNEL_H

#include "scene.h"

#define FAKE_PID 4242
#define FAKE_OUTPUT_BYTES_MAX 262144

struct text {
    const unsigned char *bytes; /* NULL when the kernel shall write it from the scene. */
    size_t size;
};

/* Set by the target before it calls the walker; fake_kernel_start fills in the rest. */
struct fake_kernel {
    struct scene *scene;
    struct text maps;
    struct text stat;
    struct text input;       /* Standard input. */
    size_t read_bytes_max;   /* Of one read of a text, 0 for no limit. */
    bool pagemap_denied;     /* As without the rights of the process's user. */
    uint64_t tick_ns;        /* What one call takes. */
    char output[FAKE_OUTPUT_BYTES_MAX];
    size_t output_bytes;
    unsigned alarm_seconds; /* Until the walker would be killed; 0 when no alarm is set. */
};

extern struct fake_kernel fake_kernel;

void fake_kernel_start(void);

/* Checks that the walker closed what it opened and set no alarm that still runs; with TIDEMARK_FUZZ_SHOW in the environment, prints what the walker wrote. */
void fake_kernel_end(void);

/* Checks that the output consists of whole lines of printable words, and counts them. */
size_t fake_kernel_lines(void);

#endif
