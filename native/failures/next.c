/* Finds what each allocation function would have been without us: the next definition in load order, as RTLD_NEXT does.
 * It leaves reading symbol tables to ../preload/symbols.c. Without dlsym, because that may allocate, may live in a library that is
 * not loaded (libdl before glibc 2.34) and takes the loader's lock, which a thread in dlopen may hold while it waits for ours. */
#include "next.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "../preload/symbols.h"
#include "../preload/syscall.h"

struct name {
    const char *text;
    size_t offset;
};

#define NEW(form) (offsetof(union next_table, operator_new) + (form) * sizeof(new_function *))

/* Some milliseconds; a search takes some microseconds. */
#define WAIT_ROUNDS_MAX 10000000

/* Mangled for a size_t that is unsigned long (m), so 64-bit Linux. */
static const struct name names[] = {
    {"malloc", offsetof(union next_table, malloc)},
    {"calloc", offsetof(union next_table, calloc)},
    {"realloc", offsetof(union next_table, realloc)},
    {"reallocarray", offsetof(union next_table, reallocarray)},
    {"memalign", offsetof(union next_table, memalign)},
    {"aligned_alloc", offsetof(union next_table, aligned_alloc)},
    {"posix_memalign", offsetof(union next_table, posix_memalign)},
    {"valloc", offsetof(union next_table, valloc)},
    {"pvalloc", offsetof(union next_table, pvalloc)},
    {"_Znwm", NEW(NEW_PLAIN)},
    {"_Znam", NEW(NEW_ARRAY)},
    {"_ZnwmSt11align_val_t", NEW(NEW_ALIGNED)},
    {"_ZnamSt11align_val_t", NEW(NEW_ARRAY_ALIGNED)},
    {"_ZnwmRKSt9nothrow_t", NEW(NEW_NOTHROW)},
    {"_ZnamRKSt9nothrow_t", NEW(NEW_ARRAY_NOTHROW)},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", NEW(NEW_ALIGNED_NOTHROW)},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", NEW(NEW_ARRAY_ALIGNED_NOTHROW)},
};
#define NAME_COUNT (sizeof names / sizeof names[0])
#define FIRST_NEW (NAME_COUNT - NEW_FORM_COUNT)

union next_table next_table __attribute__((aligned(NEXT_TABLE_BYTES)));
_Static_assert(NAME_COUNT + 2 == NEXT_RANGE_COUNT, "next.h counts the names");
_Static_assert(sizeof next_table == NEXT_TABLE_BYTES, "nothing else may lie on pages that become read-only");

extern int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context) __attribute__((weak));
extern unsigned long getauxval(unsigned long type) __attribute__((weak));
extern int *__errno_location(void) __attribute__((weak));

struct search {
    uintptr_t self;
    bool behind_us;
    bool is_shadowed;
    struct object us;
    struct range us_range;
    uintptr_t found[NAME_COUNT];
    uintptr_t code_bytes[NAME_COUNT];
    struct range home[NAME_COUNT]; /* The object that the function was found in. */
};

static int search_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct search *search = context;
    struct object object;
    if (!object_read(info, &object)) return 0;
    if (!search->behind_us) {
        search->behind_us = object_holds(info, search->self);
        if (search->behind_us) {
            search->us = object;
            search->us_range = object_range(info);
        } else {
            search->is_shadowed |= object_symbol(&object, "malloc") != NULL;
        }
        return 0;
    }
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const ElfW(Sym) *symbol = search->found[i] != 0 ? NULL : object_symbol(&object, names[i].text);
        if (symbol == NULL) continue;
        search->found[i] = object_address(&object, symbol);
        search->code_bytes[i] = symbol->st_size;
        search->home[i] = object_range(info);
    }
    return 0;
}

/* Takes the names that nobody else defines out of our own symbol table, as if we had never had them. A C program without
 * libstdc++ may load a C++ library later, with its own operator new and delete, perhaps for a heap of its own: that library must
 * not find ours. The same goes for functions that this libc does not have, which a program may look for. The Makefile keeps
 * the table's pages apart from code (separate-code), so that nothing else changes for a moment. */
static void withdraw_names(const struct search *search) {
    ElfW(Sym) *ours[NAME_COUNT];
    uintptr_t start = UINTPTR_MAX, end = 0;
    size_t count = 0;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const ElfW(Sym) *symbol = search->found[i] != 0 ? NULL : object_symbol(&search->us, names[i].text);
        if (symbol == NULL) continue;
        uintptr_t address = (uintptr_t)symbol;
        if (address < start) start = address;
        if (address + sizeof *symbol > end) end = address + sizeof *symbol;
        ours[count++] = (ElfW(Sym) *)address;
    }
    uintptr_t page_bytes = getauxval != NULL ? getauxval(AT_PAGESZ) : 0;
    if (count == 0 || page_bytes == 0) return;
    start &= ~(page_bytes - 1);
    if (SYSTEM_CALL_3(SYS_mprotect, start, end - start, PROT_READ | PROT_WRITE) != 0) return;
    for (size_t i = 0; i < count; i++) {
        ours[i]->st_value = 0;
        ours[i]->st_shndx = SHN_UNDEF;
    }
    (void)SYSTEM_CALL_3(SYS_mprotect, start, end - start, PROT_READ);
}

/* Stands in for what nobody defines. The C library sets errno in all its functions of this kind. */
static void *nothing(size_t first, size_t second, size_t third) {
    (void)first, (void)second, (void)third;
    if (__errno_location != NULL) *__errno_location() = ENOMEM;
    return NULL;
}

static int nothing_aligned(void **memory, size_t alignment, size_t bytes) {
    (void)memory, (void)alignment, (void)bytes;
    return ENOMEM;
}

/* musl has no pvalloc, but a program that was linked to us by a weak reference to it thinks so. */
static void *pvalloc_by_valloc(size_t bytes) {
    size_t page_bytes = getauxval != NULL ? getauxval(AT_PAGESZ) : 0;
    if (page_bytes == 0 || bytes > SIZE_MAX - page_bytes) return nothing(bytes, 0, 0);
    return next_table.valloc((bytes + page_bytes - 1) / page_bytes * page_bytes);
}

static uintptr_t substitute_for(size_t offset) {
    if (offset == offsetof(union next_table, posix_memalign)) return (uintptr_t)nothing_aligned;
    if (offset == offsetof(union next_table, pvalloc)) return (uintptr_t)pvalloc_by_valloc;
    return (uintptr_t)nothing;
}

static void fill_table(const struct search *search) {
    next_table.clock = find_vdso_clock();
    next_table.internal[NAME_COUNT] = search->us_range;
    next_table.is_shadowed = search->is_shadowed;
    for (size_t i = NAME_COUNT; i-- > 0;) {
        uintptr_t address = search->found[i];
        bool is_new = i >= FIRST_NEW;
        bool is_the_allocators = address != 0 && search->home[i].start == search->home[0].start;
        if (is_new) next_table.new_is_the_allocators[i - FIRST_NEW] = is_the_allocators;
        /* An object with malloc and operator new is an allocator and little else. libc is more: its strdup calls malloc too. */
        if (is_new && is_the_allocators) next_table.internal[NAME_COUNT + 1] = search->home[0];
        /* What libstdc++'s operator new asks of malloc is counted there and nowhere else. */
        if (!is_new || is_the_allocators)
            next_table.internal[i] = (struct range){.start = address, .bytes = search->code_bytes[i]};
        /* An operator new may still come with a library that is loaded later: next_late_new looks for it. */
        if (address == 0 && is_new) continue;
        if (address == 0) address = substitute_for(names[i].offset);
        /* The first name comes last: whoever sees it sees the others. */
        __atomic_store_n((uintptr_t *)(void *)(next_table.pages + names[i].offset), address, __ATOMIC_RELEASE);
    }
}

static bool is_found(void) { return __atomic_load_n(&next_table.malloc, __ATOMIC_ACQUIRE) != NULL; }

const union next_table *next_find(void) {
    static bool searching;
    if (is_found()) return &next_table;
    if (dl_iterate_phdr == NULL) return NULL;
    if (__atomic_exchange_n(&searching, true, __ATOMIC_ACQUIRE)) {
        /* Another thread is at it, or this one: whoever interposes dl_iterate_phdr may allocate in it. */
        for (unsigned i = 0; i < WAIT_ROUNDS_MAX && !is_found(); i++) __asm__ volatile("" ::: "memory");
        return is_found() ? &next_table : NULL;
    }
    struct search search = {.self = (uintptr_t)&next_table};
    (void)dl_iterate_phdr(search_object, &search);
    fill_table(&search);
    withdraw_names(&search);
    __atomic_store_n(&searching, false, __ATOMIC_RELEASE);
    return &next_table;
}

void next_protect(void) { (void)SYSTEM_CALL_3(SYS_mprotect, &next_table, sizeof next_table, PROT_READ); }

bool next_is_internal(uintptr_t caller) {
    for (size_t i = 0; i < NEXT_RANGE_COUNT; i++) {
        if (caller - next_table.internal[i].start < next_table.internal[i].bytes) return true;
    }
    return false;
}

struct late_search {
    uintptr_t address;
    const char *name;
    bool only_beside;
    bool behind_us;
    uintptr_t found;
};

static int search_late(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct late_search *search = context;
    struct object object;
    if (!object_read(info, &object)) return 0;
    bool beside = object_holds(info, search->address);
    bool us = object_holds(info, (uintptr_t)&next_table);
    if (us || (!beside && (search->only_beside || !search->behind_us || search->found != 0))) {
        search->behind_us |= us;
        return 0;
    }
    const ElfW(Sym) *symbol = object_symbol(&object, search->name);
    if (symbol != NULL) search->found = object_address(&object, symbol);
    return beside && symbol != NULL;
}

static uintptr_t find_late(struct late_search search) {
    if (dl_iterate_phdr != NULL) (void)dl_iterate_phdr(search_late, &search);
    return search.found;
}

static void *new_by_malloc(size_t bytes, uintptr_t second, uintptr_t third) {
    (void)second, (void)third;
    return next_table.malloc(bytes == 0 ? 1 : bytes);
}

new_function *next_late_new(enum new_form form, uintptr_t caller) {
    if (next_find() == NULL) return (new_function *)nothing;
    if (next_table.operator_new[form] != NULL) return next_table.operator_new[form];
    uintptr_t found = find_late((struct late_search){.address = caller, .name = names[FIRST_NEW + form].text});
    return found != 0 ? (new_function *)found : new_by_malloc;
}

uintptr_t next_function_beside(uintptr_t address, const char *name) {
    return find_late((struct late_search){.address = address, .name = name, .only_beside = true});
}
