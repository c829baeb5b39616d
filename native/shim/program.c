/* Recognises programs that work only while they have one thread, by the functions they import, and where a thread would end them.
 * It leaves programs that have threads of their own, and so get by with several, to be measured. */
#include "program.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "../preload/syscall.h"
#include "../preload/text.h"
#include "libc.h"

#ifdef SYS_newfstatat
#define STAT_AT SYS_newfstatat
#else
#define STAT_AT SYS_fstatat
#endif

/* The program's one thread and ours; a directory counts itself twice. fs/proc/base.c, proc_task_getattr. */
#define TASK_FOLDER_LINKS (2 + 2)

/* unshare and nsenter: their calls fail with EINVAL (man 2 setns, unshare). setpriv: it changes the capabilities of its thread
 * alone and then its user; glibc changes the user of every thread, and aborts when one may and another may not
 * (nptl/nptl_setxid.c, setxid_error). Such programs start others, and live for milliseconds. */
static const char *const single_threaded[] = {
    "unshare", "setns", "capset", "cap_set_proc", "cap_setuid", "cap_launch", "capng_apply", "capng_change_id", "capng_lock",
};

struct imports {
    const ElfW(Sym) *symbols;
    const char *names;
    const uint32_t *gnu_hash;
    const uint32_t *hash;
};

/* glibc has added the load address to the pointers of the dynamic section in place, except where it is read-only. */
static const void *address_of(ElfW(Addr) pointer, ElfW(Addr) base) {
    return (const void *)(pointer < base ? pointer + base : pointer);
}

static struct imports imports_of(const ElfW(Dyn) *entry, ElfW(Addr) base) {
    struct imports imports = {0};
    for (; entry->d_tag != DT_NULL; entry++) {
        const void *address = address_of(entry->d_un.d_ptr, base);
        if (entry->d_tag == DT_SYMTAB) imports.symbols = address;
        if (entry->d_tag == DT_STRTAB) imports.names = address;
        if (entry->d_tag == DT_GNU_HASH) imports.gnu_hash = address;
        if (entry->d_tag == DT_HASH) imports.hash = address;
    }
    return imports;
}

/* The GNU table says at which symbol the defined ones begin, the old one how many there are (System V ABI, "Hash Table"). */
static uint32_t end_of_imports(const struct imports *imports) {
    if (!imports->symbols || !imports->names) return 0;
    return imports->gnu_hash ? imports->gnu_hash[1] : imports->hash ? imports->hash[1] : 0;
}

static bool is_in_the_way(const char *name) {
    for (size_t i = 0; i < sizeof single_threaded / sizeof single_threaded[0]; i++) {
        if (text_equal(name, single_threaded[i])) return true;
    }
    return false;
}

static bool needs_one_thread(const ElfW(Dyn) *dynamic, ElfW(Addr) base) {
    struct imports imports = imports_of(dynamic, base);
    uint32_t end = end_of_imports(&imports);
    bool found = false;
    for (uint32_t i = 0; i < end; i++) {
        const char *name = imports.names + imports.symbols[i].st_name;
        if (imports.symbols[i].st_shndx != SHN_UNDEF) continue;
        if (text_equal(name, "pthread_create")) return false;
        found = found || is_in_the_way(name);
    }
    return found;
}

/* The first object is the program. A value that is not 0 ends the iteration. */
static int look_at_program(struct dl_phdr_info *object, size_t size, void *answer) {
    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const void *dynamic = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        *(bool *)answer = needs_one_thread(dynamic, object->dlpi_addr);
    }
    return 1;
}

bool program_must_stay_single_threaded(void) {
    bool answer = false;
    if (dl_iterate_phdr) (void)dl_iterate_phdr(look_at_program, &answer);
    return answer;
}

bool program_has_one_thread_but_ours(void) {
    struct stat status = {0};
    return SYSTEM_CALL_4(STAT_AT, AT_FDCWD, "/proc/self/task", &status, 0) == 0 && status.st_nlink == TASK_FOLDER_LINKS;
}

/* The first thread counts as one until the process ends, but its list of robust futexes, which glibc registers at the start, is
 * taken from it when it leaves. Source: kernel/futex/core.c, futex_cleanup; man 2 get_robust_list. */
bool program_has_left(void) {
    void *head = NULL;
    size_t bytes = 0;
    long first = SYSTEM_CALL_1(SYS_getpid, 0);
    return SYSTEM_CALL_3(SYS_get_robust_list, first, &head, &bytes) == 0 && !head && program_has_one_thread_but_ours();
}

/* Field 52 of its stat (man 5 proc_pid_stat), a wait status, and the last one of the line. */
long program_left_with(void) {
    char path[64];
    char line[1024];
    struct text name = text_in(path, sizeof path);
    text_add(&name, "/proc/self/task/");
    text_add_number(&name, (uint64_t)SYSTEM_CALL_1(SYS_getpid, 0), 10);
    text_add(&name, "/stat");
    int file = system_open_at(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return 0;
    long length = system_read(file, line, sizeof line - 1);
    (void)system_close(file);
    if (length <= 0 || length >= (long)sizeof line - 1) return 0;
    long status = 0;
    long unit = 1;
    for (long at = length - 2; at > 0 && line[at] >= '0' && line[at] <= '9' && unit < 1000000; at--, unit *= 10) {
        status += (line[at] - '0') * unit;
    }
    return status >> 8 & 255;
}
