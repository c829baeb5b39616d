/* Starts a program under a seccomp filter: one that ends it for anything the dynamic linker does not do, or a lenient one.
 * It leaves the filter for running programs to shim_filter.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "shim_filter.h"

/* What ld.so, glibc's start and a small program need, and no more: no prctl, no futex, no clone. */
static int take_starter_filter(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_execve), ALLOW(SYS_brk), ALLOW(SYS_arch_prctl), ALLOW(SYS_mmap), ALLOW(SYS_access), ALLOW(SYS_openat),
        ALLOW(SYS_newfstatat), ALLOW(SYS_fstat), ALLOW(SYS_close), ALLOW(SYS_read), ALLOW(SYS_pread64), ALLOW(SYS_mprotect),
        ALLOW(SYS_set_tid_address), ALLOW(SYS_set_robust_list), ALLOW(SYS_rseq), ALLOW(SYS_prlimit64), ALLOW(SYS_munmap),
        ALLOW(SYS_getrandom), ALLOW(SYS_write), ALLOW(SYS_exit_group), ALLOW(SYS_sched_getaffinity), ALLOW(SYS_readlink),
        ALLOW(SYS_madvise), ALLOW(SYS_open),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* A filter that refuses one call with this error and allows the rest: as containers have, or as an older kernel is. */
static int take_lenient_filter(unsigned call, unsigned error) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int take_filter_named(const char *name) {
    if (strcmp(name, "lenient") == 0) return take_lenient_filter(SYS_kexec_load, EPERM);
    if (strcmp(name, "older") == 0) return take_lenient_filter(SYS_close_range, ENOSYS);
    return take_starter_filter();
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    if (take_filter_named(arguments[1]) != 0) return 3;
    execv(arguments[2], arguments + 2);
    return 4;
}
