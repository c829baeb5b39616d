/* Symbols in the dynamic symbol tables of loaded objects, read without dlsym.
 * It leaves which objects and which names to next.c. Source: elf/dl-lookup.c of glibc 2.36, ldso/dynlink.c of musl 1.2.3. */
#include "symbols.h"

#include <stddef.h>

#define BITS_PER_WORD (8 * sizeof(ElfW(Addr)))
/* Of an entry of DT_VERSYM: the definition is not the default one, only programs linked long ago ask for it. */
#define VERSION_HIDDEN 0x8000
#define TYPE_OF(info) ((info)&0xf)

struct range object_range(const struct dl_phdr_info *info) {
    uintptr_t start = UINTPTR_MAX, end = 0;
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD) continue;
        uintptr_t from = info->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
        if (from < start) start = from;
        if (to > end) end = to;
    }
    return start < end ? (struct range){.start = start, .bytes = end - start} : (struct range){0};
}

bool object_holds(const struct dl_phdr_info *info, uintptr_t address) {
    struct range range = object_range(info);
    return address - range.start < range.bytes;
}

/* glibc turns the offsets in a dynamic section into addresses, musl and the vDSO leave them as they are. */
static uintptr_t absolute(ElfW(Addr) base, ElfW(Addr) value) { return value < base ? base + value : value; }

bool object_read(const struct dl_phdr_info *info, struct object *object) {
    const ElfW(Dyn) *entry = NULL;
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    }
    *object = (struct object){.base = info->dlpi_addr};
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        uintptr_t address = absolute(info->dlpi_addr, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB) object->symbols = (const ElfW(Sym) *)address;
        if (entry->d_tag == DT_STRTAB) object->strings = (const char *)address;
        if (entry->d_tag == DT_VERSYM) object->versions = (const ElfW(Half) *)address;
        if (entry->d_tag == DT_GNU_HASH) object->gnu_hash = (const uint32_t *)address;
        if (entry->d_tag == DT_HASH) object->hash = (const uint32_t *)address;
    }
    return object->symbols != NULL && object->strings != NULL && (object->gnu_hash != NULL || object->hash != NULL);
}

static bool same(const char *left, const char *right) {
    while (*left != '\0' && *left == *right) left++, right++;
    return *left == *right;
}

static bool is_defined(const struct object *object, uint32_t index, const char *name) {
    const ElfW(Sym) *symbol = &object->symbols[index];
    unsigned type = TYPE_OF(symbol->st_info);
    bool function = type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC;
    if (symbol->st_value == 0 || symbol->st_shndx == SHN_UNDEF || !function) return false;
    if (object->versions != NULL && (object->versions[index] & VERSION_HIDDEN) != 0) return false;
    return same(object->strings + symbol->st_name, name);
}

static const ElfW(Sym) *by_gnu_hash(const struct object *object, const char *name) {
    uint32_t hash = 5381;
    for (const char *at = name; *at != '\0'; at++) hash = hash * 33 + (unsigned char)*at;
    const uint32_t *header = object->gnu_hash;
    uint32_t bucket_count = header[0], first = header[1], bloom_count = header[2], shift = header[3];
    const ElfW(Addr) *bloom = (const ElfW(Addr) *)(header + 4);
    const uint32_t *buckets = (const uint32_t *)(bloom + bloom_count);
    if (bucket_count == 0 || bloom_count == 0) return NULL;
    ElfW(Addr) word = bloom[hash / BITS_PER_WORD % bloom_count];
    if ((word >> hash % BITS_PER_WORD & word >> (hash >> shift) % BITS_PER_WORD & 1) == 0) return NULL;
    uint32_t index = buckets[hash % bucket_count];
    if (index < first) return NULL;
    for (const uint32_t *chain = buckets + bucket_count + (index - first);; chain++, index++) {
        if ((*chain | 1) == (hash | 1) && is_defined(object, index, name)) return &object->symbols[index];
        if ((*chain & 1) != 0) return NULL;
    }
}

static const ElfW(Sym) *by_hash(const struct object *object, const char *name) {
    uint32_t hash = 0;
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash << 4) + (unsigned char)*at;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    uint32_t bucket_count = object->hash[0];
    const uint32_t *buckets = object->hash + 2, *chains = buckets + bucket_count;
    if (bucket_count == 0) return NULL;
    for (uint32_t index = buckets[hash % bucket_count]; index != STN_UNDEF; index = chains[index]) {
        if (is_defined(object, index, name)) return &object->symbols[index];
    }
    return NULL;
}

const ElfW(Sym) *object_symbol(const struct object *object, const char *name) {
    return object->gnu_hash != NULL ? by_gnu_hash(object, name) : by_hash(object, name);
}

extern unsigned long getauxval(unsigned long type) __attribute__((weak));

uintptr_t object_address(const struct object *object, const ElfW(Sym) *symbol) {
    uintptr_t address = object->base + symbol->st_value;
    if (TYPE_OF(symbol->st_info) != STT_GNU_IFUNC) return address;
    /* sysdeps/aarch64/dl-irel.h passes AT_HWCAP; x86-64 passes nothing, and what is passed in vain does no harm. */
    uint64_t capabilities = getauxval != NULL ? getauxval(AT_HWCAP) : 0;
    return ((uintptr_t(*)(uint64_t))address)(capabilities);
}
