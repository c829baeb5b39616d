/* The samples that gperftools' tcmalloc keeps when TCMALLOC_SAMPLE_PARAMETER is set, as text in jemalloc's format.
 * It leaves its figures to tcmalloc.c. Source: src/malloc_extension.cc (GetHeapSample), src/stack_trace_table.cc of 2.0 to 2.18. */
#include "tcmalloc.h"

#include <stddef.h>

#include "../preload/syscall.h"
#include "../preload/text.h"
#include "libc.h"

/* MallocExtension::instance(), TCMallocImplementation::ReadStackTraces(int *) and operator delete[]: members have no C form. The
 * result is an array of entries (count, bytes, depth, return addresses), ended by one whose count is 0. */
extern void *_ZN15MallocExtension8instanceEv(void) WEAK;
extern void **_ZN22TCMallocImplementation15ReadStackTracesEPi(void *self, int *sample_period) WEAK;
extern void _ZdaPv(void *memory) WEAK;

/* kMaxStackDepth is 31, of later versions 254. */
#define DEPTH_MAX 256
/* "  t*: <20 digits>: <20 digits> [0: 0]\n@" and 19 bytes an address. */
#define ENTRY_BYTES_MAX (128 + DEPTH_MAX * 19)

static bool write_all(int file, const struct text *text) {
    return !text->full && system_write(file, text->bytes, text->length) == (long)text->length;
}

static bool write_entry(int file, void **entry) {
    char bytes[ENTRY_BYTES_MAX];
    struct text text = text_in(bytes, sizeof bytes);
    text_add(&text, "@");
    for (size_t i = 0; i < (size_t)(uintptr_t)entry[2]; i++) {
        text_add(&text, " 0x");
        text_add_number(&text, (uintptr_t)entry[3 + i], 16);
    }
    text_add(&text, "\n  t*: ");
    text_add_number(&text, (uintptr_t)entry[0], 10);
    text_add(&text, ": ");
    text_add_number(&text, (uintptr_t)entry[1], 10);
    text_add(&text, " [0: 0]\n");
    return write_all(file, &text);
}

enum tidemark_outcome tcmalloc_profile(int file) {
    bool is_there = _ZN15MallocExtension8instanceEv && _ZN22TCMallocImplementation15ReadStackTracesEPi && _ZdaPv;
    if (!is_there) return TIDEMARK_OUTCOME_UNSUPPORTED;
    int period = 0;
    void **entries = _ZN22TCMallocImplementation15ReadStackTracesEPi(_ZN15MallocExtension8instanceEv(), &period);
    if (!entries) return period > 0 ? TIDEMARK_OUTCOME_FAILED : TIDEMARK_OUTCOME_PROFILING_OFF;
    char line[64];
    struct text text = text_in(line, sizeof line);
    text_add(&text, "heap_v2/");
    text_add_number(&text, period > 0 ? (uint64_t)period : 0, 10);
    text_add(&text, "\n");
    bool written = period > 0 && write_all(file, &text);
    for (void **entry = entries; written && entry[0]; entry += 3 + (uintptr_t)entry[2]) {
        written = (uintptr_t)entry[2] <= DEPTH_MAX && write_entry(file, entry);
    }
    _ZdaPv(entries);
    if (period <= 0) return TIDEMARK_OUTCOME_PROFILING_OFF;
    return written ? TIDEMARK_OUTCOME_DONE : TIDEMARK_OUTCOME_FAILED;
}
