/* A seccomp filter as strict programs use it: whoever makes a call that is not on the list is ended.
 * It leaves when to take it on to the programs. Source: man 2 seccomp. */
#ifndef TIDEMARK_TEST_SHIM_FILTER_H
#define TIDEMARK_TEST_SHIM_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* With `every_thread` the other threads are put under it as well; what they need, futex and prctl, is on the list. */
static inline int take_filter(bool every_thread) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_openat), ALLOW(SYS_close), ALLOW(SYS_getdents64), ALLOW(SYS_newfstatat),
        ALLOW(SYS_fstat), ALLOW(SYS_getpid), ALLOW(SYS_brk), ALLOW(SYS_mmap), ALLOW(SYS_munmap), ALLOW(SYS_exit_group),
        ALLOW(SYS_futex), ALLOW(SYS_prctl),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    unsigned flags = every_thread ? SECCOMP_FILTER_FLAG_TSYNC : 0;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

#endif
