/* The functions of glibc that the shim may call. All are weak: where one is missing (musl, a glibc before 2.34 without
 * libpthread) its address is NULL and the shim does without, or does nothing. None is versioned: any glibc will do.
 * It leaves the functions of allocators to the file about each one. */
#ifndef TIDEMARK_LIBC_H
#define TIDEMARK_LIBC_H

#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#define WEAK __attribute__((weak))

extern __typeof__(gnu_get_libc_version) gnu_get_libc_version WEAK;
/* Data of glibc's dynamic linker, never looked into: only glibc's has it, where gnu_get_libc_version may also be gcompat's. */
extern const char _rtld_global_ro[] WEAK;
extern __typeof__(__errno_location) __errno_location WEAK;
extern __typeof__(dl_iterate_phdr) dl_iterate_phdr WEAK;
extern __typeof__(malloc) malloc WEAK;
extern __typeof__(free) free WEAK;
extern __typeof__(malloc_usable_size) malloc_usable_size WEAK;
extern __typeof__(malloc_trim) malloc_trim WEAK;
extern __typeof__(pthread_create) pthread_create WEAK;
extern __typeof__(pthread_attr_init) pthread_attr_init WEAK;
extern __typeof__(pthread_attr_setstacksize) pthread_attr_setstacksize WEAK;
extern __typeof__(pthread_attr_setdetachstate) pthread_attr_setdetachstate WEAK;
/* The least stack including thread-local storage (nptl/nptl-stack.c, for the JVM's use): without it, big TLS is EINVAL. */
extern size_t __pthread_get_minstack(const pthread_attr_t *attributes) WEAK;
/* What pthread_atfork calls (nptl/register-atfork.c); that one is not in the shared library. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso) WEAK;

#endif
