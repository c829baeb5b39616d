/* jemalloc's own heap profile, where it was built with one and started with it: prof.dump writes it.
 * It leaves finding jemalloc to jemalloc_owner.c. Source: man 3 jemalloc, "prof.dump", "opt.prof"; src/prof_sys.c. */
#include "jemalloc.h"

#include "../preload/text.h"

enum tidemark_outcome jemalloc_profile(int file) {
    bool built = false, started = false;
    if (!jemalloc_read("config.prof", &built, sizeof built) || !built) return TIDEMARK_OUTCOME_UNSUPPORTED;
    if (!jemalloc_read("opt.prof", &started, sizeof started) || !started) return TIDEMARK_OUTCOME_PROFILING_OFF;
    /* It opens the file by name, and our descriptors are our thread's alone. /proc/thread-self came with Linux 3.17. */
    char path[64];
    struct text text = text_in(path, sizeof path);
    text_add(&text, "/proc/thread-self/fd/");
    text_add_number(&text, (uint64_t)file, 10);
    const char *name = path;
    bool dumped = jemalloc_calls()->mallctl("prof.dump", NULL, NULL, &name, sizeof name) == 0;
    return dumped ? TIDEMARK_OUTCOME_DONE : TIDEMARK_OUTCOME_FAILED;
}
