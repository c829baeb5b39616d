/* The questions that the shim asks the kernel, each one system call.
 * It leaves files to ../preload/letter.h. */
#ifndef TIDEMARK_KERNEL_H
#define TIDEMARK_KERNEL_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include "../preload/syscall.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t clock_now_ns(clockid_t clock) {
    struct timespec now = {0, 0};
    (void)SYSTEM_CALL_2(SYS_clock_gettime, clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Sleeps while *word is `value`, at most so long; UINT64_MAX is for good. May end early. */
static inline void futex_wait(uint32_t *word, uint32_t value, uint64_t ns) {
    struct timespec most = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    (void)SYSTEM_CALL_4(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ns == UINT64_MAX ? NULL : &most);
}

static inline void futex_wake(uint32_t *word) { (void)SYSTEM_CALL_3(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1); }

/* 0 without a filter, 2 with one; qemu-user and kernels without filters give -EINVAL, always. Asked before anything else: a
 * filter that ends a program for prctl would do so for the rest as well. */
static inline long seccomp_mode(void) { return SYSTEM_CALL_1(SYS_prctl, PR_GET_SECCOMP); }

#endif
