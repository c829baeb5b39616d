/* System calls made directly, for libraries that are preloaded into every process: no libc function, no errno, no lock, no TLS.
 * It leaves what may be called, and in which thread, to its callers. Source: man 2 syscall, "Architecture calling conventions". */
#ifndef TIDEMARK_SYSCALL_H
#define TIDEMARK_SYSCALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Gives what the kernel gives: a result, or -errno from -4095 to -1. */
#if defined(__x86_64__)
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}
#else
#error "Tidemark's preloaded libraries know x86-64 and aarch64"
#endif

#define SYSTEM_CALL_1(number, a) system_call((number), (long)(a), 0, 0, 0, 0, 0)
#define SYSTEM_CALL_2(number, a, b) system_call((number), (long)(a), (long)(b), 0, 0, 0, 0)
#define SYSTEM_CALL_3(number, a, b, c) system_call((number), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYSTEM_CALL_4(number, a, b, c, d) system_call((number), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYSTEM_CALL_5(number, a, b, c, d, e) system_call((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYSTEM_CALL_6(number, a, b, c, d, e, f) \
    system_call((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline int system_open_at(int folder, const char *path, int flags, unsigned mode) {
    return (int)SYSTEM_CALL_4(SYS_openat, folder, path, flags, mode);
}
static inline long system_read(int file, void *bytes, size_t size) { return SYSTEM_CALL_3(SYS_read, file, bytes, size); }
static inline long system_write(int file, const void *bytes, size_t size) { return SYSTEM_CALL_3(SYS_write, file, bytes, size); }
static inline int system_close(int file) { return (int)SYSTEM_CALL_1(SYS_close, file); }

#endif
