/* What the process was given: a seccomp filter, the kernel's own clock function.
 * It leaves what follows from it to count.c. Source: man 5 proc_pid_status (Seccomp), man 7 vdso. */
#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "../preload/symbols.h"
#include "../preload/syscall.h"
#include "../preload/text.h"

/* A status is some 1,500 bytes; Seccomp stands behind lines whose length depends on groups and signals. */
#define STATUS_BYTES_MAX 4096

extern unsigned long getauxval(unsigned long type) __attribute__((weak));

long read_seccomp_mode(void) {
    char status[STATUS_BYTES_MAX];
    int file = system_open_at(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return -1;
    long length = system_read(file, status, sizeof status - 1);
    (void)system_close(file);
    if (length <= 0) return -1;
    status[length] = '\0';
    for (const char *at = status; *at != '\0'; at++) {
        const char *digit = *at == '\n' ? text_behind(at, "\nSeccomp:\t") : NULL;
        if (digit != NULL && *digit >= '0' && *digit <= '9') return *digit - '0';
    }
    return -1;
}

vdso_clock_gettime *find_vdso_clock(void) {
    uintptr_t start = getauxval != NULL ? getauxval(AT_SYSINFO_EHDR) : 0;
    if (start == 0) return NULL;
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)start;
    struct dl_phdr_info info = {
        .dlpi_addr = start,
        .dlpi_phdr = (const ElfW(Phdr) *)(start + header->e_phoff),
        .dlpi_phnum = header->e_phnum,
    };
    struct object object;
    if (!object_read(&info, &object)) return NULL;
#ifdef __aarch64__
    const ElfW(Sym) *symbol = object_symbol(&object, "__kernel_clock_gettime");
#else
    const ElfW(Sym) *symbol = object_symbol(&object, "__vdso_clock_gettime");
#endif
    return symbol != NULL ? (vdso_clock_gettime *)object_address(&object, symbol) : NULL;
}
