/* Symbols in the dynamic symbol tables of loaded objects, read without dlsym.
 * It leaves which objects and which names to its callers. */
#ifndef TIDEMARK_SYMBOLS_H
#define TIDEMARK_SYMBOLS_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct object {
    ElfW(Addr) base;
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Half) *versions; /* NULL when the object has none. */
    const uint32_t *gnu_hash;   /* NULL when the object has only the older table. */
    const uint32_t *hash;
};

/* From the first to the last byte loaded. */
struct range {
    uintptr_t start;
    uintptr_t bytes;
};

struct range object_range(const struct dl_phdr_info *info);
bool object_holds(const struct dl_phdr_info *info, uintptr_t address);
/* False when the object has no dynamic symbols. */
bool object_read(const struct dl_phdr_info *info, struct object *object);
/* The symbol that the object defines under that name, or NULL. */
const ElfW(Sym) *object_symbol(const struct object *object, const char *name);
/* Where it lies; an indirect function (STT_GNU_IFUNC) is asked for it. */
uintptr_t object_address(const struct object *object, const ElfW(Sym) *symbol);

#endif
