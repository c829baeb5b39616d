/* Finds the next definition of each function in load order, as RTLD_NEXT does, but without dlsym: that may allocate.
 * It leaves reading symbol tables to ../preload/symbols.c. */
#include "next.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>

#include "../preload/symbols.h"
#include "../preload/syscall.h"
#include "../preload/text.h"

/* Some milliseconds; a search takes some microseconds. */
#define WAIT_ROUNDS_MAX 10000000

struct name {
    const char *text;
    size_t offset;
};

/* malloc is the first: whoever finds it in the table finds the others. */
static const struct name names[] = {
    {"malloc", offsetof(union next_table, malloc)},
    {"free", offsetof(union next_table, free)},
    {"calloc", offsetof(union next_table, calloc)},
    {"realloc", offsetof(union next_table, realloc)},
    {"memalign", offsetof(union next_table, memalign)},
    {"aligned_alloc", offsetof(union next_table, aligned_alloc)},
    {"posix_memalign", offsetof(union next_table, posix_memalign)},
    {"valloc", offsetof(union next_table, valloc)},
    {"pvalloc", offsetof(union next_table, pvalloc)},
};
#define NAME_COUNT (sizeof names / sizeof names[0])

union next_table next_table __attribute__((aligned(NEXT_TABLE_BYTES)));
_Static_assert(sizeof next_table == NEXT_TABLE_BYTES, "nothing else may lie on pages that become read-only");

extern int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context) __attribute__((weak));
extern const char *gnu_get_libc_version(void) __attribute__((weak));
extern int *__errno_location(void) __attribute__((weak));

struct search {
    bool behind_us;
    bool is_shadowed;
    uintptr_t found[NAME_COUNT];
    bool is_libc[NAME_COUNT]; /* Found in the object that has gnu_get_libc_version. */
};

/* Hands on every call and leaves free alone: whether it comes first does not matter. */
static bool is_failures_wrapper(const char *path) {
    static const char name[] = "/libtidemark-failures.so";
    size_t length = path != NULL ? text_length(path) : 0;
    return length >= sizeof name - 1 && text_equal(path + length - (sizeof name - 1), name);
}

static int search_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    struct object object;
    if (!object_read(info, &object)) return 0;
    if (!search->behind_us) {
        search->behind_us = object_holds(info, (uintptr_t)&next_table);
        bool is_before = !search->behind_us && object_symbol(&object, "malloc") != NULL;
        search->is_shadowed |= is_before && !is_failures_wrapper(info->dlpi_name);
        return 0;
    }
    bool is_libc = object_symbol(&object, "gnu_get_libc_version") != NULL;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const ElfW(Sym) *symbol = search->found[i] != 0 ? NULL : object_symbol(&object, names[i].text);
        if (symbol == NULL) continue;
        search->found[i] = object_address(&object, symbol);
        search->is_libc[i] = is_libc;
    }
    return 0;
}

/* Stand in for what nobody defines (musl has no pvalloc). */
static void *nothing(size_t first, size_t second) {
    (void)first, (void)second;
    if (__errno_location != NULL) *__errno_location() = ENOMEM;
    return NULL;
}

static int nothing_aligned(void **memory, size_t alignment, size_t bytes) {
    (void)memory, (void)alignment, (void)bytes;
    return ENOMEM;
}

static bool is_found(void) { return __atomic_load_n(&next_table.malloc, __ATOMIC_ACQUIRE) != NULL; }

bool next_find(void) {
    static bool searching;
    if (is_found()) return true;
    if (dl_iterate_phdr == NULL) return false;
    if (__atomic_exchange_n(&searching, true, __ATOMIC_ACQUIRE)) {
        /* Another thread is at it, or this one: whoever interposes dl_iterate_phdr may allocate in it. */
        for (unsigned i = 0; i < WAIT_ROUNDS_MAX && !is_found(); i++) __asm__ volatile("" ::: "memory");
        return is_found();
    }
    struct search search = {.behind_us = false};
    (void)dl_iterate_phdr(search_object, &search);
    bool is_glibc = gnu_get_libc_version != NULL && !search.is_shadowed;
    for (size_t i = NAME_COUNT; i-- > 0;) {
        uintptr_t address = search.found[i];
        is_glibc = is_glibc && search.is_libc[i];
        bool is_posix = names[i].offset == offsetof(union next_table, posix_memalign);
        if (address == 0) address = is_posix ? (uintptr_t)nothing_aligned : (uintptr_t)nothing;
        if (i == 0) next_table.is_glibc = is_glibc;
        __atomic_store_n((uintptr_t *)(void *)(next_table.pages + names[i].offset), address, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&searching, false, __ATOMIC_RELEASE);
    return true;
}

void next_protect(void) { (void)SYSTEM_CALL_3(SYS_mprotect, &next_table, sizeof next_table, PROT_READ); }
