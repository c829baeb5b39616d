/* Where the dynamic linker enters the shim: decides whether this process is one to be measured, and starts the thread if so.
 * It leaves everything else to that thread: nothing of the shim runs when the program ends. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "kernel.h"
#include "libc.h"
#include "fork.h"
#include "../preload/text.h"
#include "owner.h"
#include "program.h"
#include "ring.h"
#include "settings.h"
#include "thread.h"

/* Behind the environment lies the auxiliary vector (man 3 getauxval). */
static uint64_t auxiliary(char **environment, uint64_t type) {
    while (*environment) environment++;
    for (const ElfW(auxv_t) *entry = (const ElfW(auxv_t) *)(void *)(environment + 1); entry->a_type != AT_NULL; entry++) {
        if (entry->a_type == type) return entry->a_un.a_val;
    }
    return 0;
}

/* The line "Seccomp:\t0" of /proc/self/status, read with the calls that the dynamic linker has just made itself: a filter that
 * ends a program for others must not meet any. 0 also where the kernel knows no filters, and so has no such line; negative:
 * not known. Source: fs/proc/array.c, task_seccomp. */
static long seccomp_mode_from_status(void) {
    char text[4096]; /* The file is some 1.5 KB, unless the user is in hundreds of groups. */
    int file = system_open_at(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return -1;
    long length = system_read(file, text, sizeof text - 1);
    (void)system_close(file);
    if (length <= 0) return -1;
    text[length] = '\0';
    for (const char *line = text; *line; line++) {
        const char *value = line == text || line[-1] == '\n' ? text_behind(line, "Seccomp:\t") : NULL;
        if (value) return *value - '0';
    }
    return length < (long)sizeof text - 1 ? 0 : -1;
}

static bool is_folder_there(void) {
    return SYSTEM_CALL_3(SYS_faccessat, AT_FDCWD, settings.folder, W_OK | X_OK) == 0;
}

/* With glibc the walker measures from outside: there is nothing to do in here, unless relief is allowed. */
static void start(char **environment) {
    settings_read(environment);
    if (settings.is_off || (!owner_can_be_measured() && !settings.is_relief_allowed)) return;
    long mode_at_start = seccomp_mode_from_status();
    if (mode_at_start != 0 && !(mode_at_start > 0 && settings.is_filter_known)) return;
    if (!is_folder_there() || program_must_stay_single_threaded()) return;
    if (owner_is_glibc() && !settings.is_relief_allowed) return;
    settings.page_bytes = auxiliary(environment, AT_PAGESZ);
    settings_read_tunables(environment);
    long mode = seccomp_mode();
    if (fork_register(mode) && thread_start(mode)) fork_arm();
}

static bool is_glibc(void) { return gnu_get_libc_version && _rtld_global_ro && __errno_location; }

/* glibc hands constructors what main gets (elf/dl-init.c); musl hands them nothing, and is told by what it lacks. */
__attribute__((constructor)) static void enter(int count, char **arguments, char **environment) {
    (void)count;
    (void)arguments;
    if (!is_glibc() || !environment || auxiliary(environment, AT_SECURE)) return;
    int errno_before = errno;
    start(environment);
    errno = errno_before;
}
