/* Requests that fail, one way per mode; says what each call returned and the errno it left.
 * It leaves knowing how often each size failed to failures.test.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define IMPOSSIBLE ((size_t)PTRDIFF_MAX - 65536)

/* A C library that has none of these leaves them out: musl has no pvalloc, glibc before 2.26 no reallocarray. */
extern void *pvalloc(size_t bytes) __attribute__((weak));

static void say(const char *call, void *memory, int error) {
    printf("%s %s errno %d\n", call, memory == NULL ? "failed" : "succeeded", error);
    fflush(stdout);
}

#define TRY(call) \
    do { \
        errno = 0; \
        void *memory = (call); \
        say(#call, memory, errno); \
    } while (0)

#define TRY_STATUS(call) \
    do { \
        errno = 0; \
        int status = (call); \
        printf("%s is %d errno %d\n", #call, status, errno); \
    } while (0)

/* From here on what is large does not fit: the address space may grow by 8 MiB. */
static void limit_memory(void) {
    char text[64] = {0};
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = file != NULL && fgets(text, sizeof text, file) != NULL ? strtoul(text, NULL, 10) : 0;
    if (pages == 0) abort();
    fclose(file);
    rlim_t bytes = pages * (size_t)sysconf(_SC_PAGESIZE) + 8 * MIB;
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0) abort();
}

/* What fits must work as ever. */
static void use_all(void) {
    void *aligned = NULL;
    void *all[] = {malloc(100),       calloc(10, 10),          realloc(malloc(10), 1000),
                   memalign(64, 100), aligned_alloc(256, 512), valloc(10)};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] == NULL) abort();
        free(all[i]);
    }
    if (posix_memalign(&aligned, 4096, 100) != 0 || (uintptr_t)aligned % 4096 != 0) abort();
    free(aligned);
}

static void calls(void) {
    void *aligned = NULL;
    use_all();
    limit_memory();
    TRY(malloc(16 * MIB));
    TRY(malloc(16 * MIB + 1));
    TRY(calloc(32, MIB));
    void *volatile kept = malloc(10); /* gcc takes it for freed, though realloc failed. */
    TRY(realloc(kept, 64 * MIB));
    TRY(reallocarray(kept, 65, MIB));
    TRY(memalign(64, 128 * MIB));
    TRY(aligned_alloc(64, 256 * MIB));
    TRY_STATUS(posix_memalign(&aligned, 64, 512 * MIB));
    TRY(valloc(1024 * MIB));
    free(kept);
    use_all();
}

static void impossible(void) {
    volatile size_t half = SIZE_MAX / 2; /* What gcc knows to be impossible is an error to it. */
    TRY(malloc(IMPOSSIBLE));
    TRY(calloc(half, 4));
    TRY(reallocarray(NULL, half, 4));
    TRY(realloc(NULL, IMPOSSIBLE));
    if (pvalloc != NULL) TRY(pvalloc(IMPOSSIBLE));
}

/* No failures: the caller's own errors, and a realloc that frees. */
static void errors(void) {
    void *aligned = NULL;
    TRY_STATUS(posix_memalign(&aligned, 3, 64));
    TRY_STATUS(posix_memalign(&aligned, 0, 64));
    void *freed = realloc(malloc(10), 0);
    free(freed);
    use_all();
}

enum { THREADS = 8, FAILURES_PER_THREAD = 5000 };

static void *fail_often(void *context) {
    (void)context;
    for (int i = 0; i < FAILURES_PER_THREAD; i++) {
        if (malloc(IMPOSSIBLE) != NULL) abort();
    }
    return NULL;
}

static void threads(void) {
    pthread_t all[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&all[i], NULL, fail_often, NULL) != 0) abort();
    }
    for (int i = 0; i < THREADS; i++) pthread_join(all[i], NULL);
}

static void fail(int times) {
    for (int i = 0; i < times; i++) {
        if (malloc(IMPOSSIBLE) != NULL) abort();
    }
}

/* 2 in the parent, 3 in its child, 1 in the child's child, 40,000 in a child with threads; none in a quiet child. */
static void forks(void) {
    fail(1);
    if (fork() == 0) {
        fail(3);
        if (fork() == 0) {
            fail(1);
            _exit(0);
        }
        wait(NULL);
        _exit(0);
    }
    wait(NULL);
    if (fork() == 0) _exit(0);
    wait(NULL);
    if (fork() == 0) {
        threads();
        _exit(0);
    }
    wait(NULL);
    fail(1);
}

/* A child that shares its parent's memory, as posix_spawn has it. */
static void vforks(void) {
    fail(1);
    if (vfork() == 0) {
        if (malloc(IMPOSSIBLE) != NULL) _exit(1);
        _exit(0);
    }
    wait(NULL);
    fail(1);
}

/* Keeps its standard output until the end, so that who waits for that waits for the daemon. */
static void become_daemon(void) {
    if (fork() != 0) _exit(0);
    setsid();
    if (fork() != 0) _exit(0);
    if (chdir("/") != 0) abort();
    for (int file = 0; file < 1024; file++) {
        if (file != STDOUT_FILENO) close(file);
    }
    fail(4);
}

static void close_all(void) {
    for (int file = 0; file < 1024; file++) close(file);
    fail(2);
    /* The next descriptor is the lowest one: nobody holds it. */
    if (dup(0) != -1 || errno != EBADF) _exit(1);
}

static void fill_maps(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 200000;
    char *all = mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) abort();
    for (size_t i = 0; i < pages; i += 2) {
        if (mprotect(all + i * page, page, PROT_READ) != 0) break;
    }
    for (int i = 0; i < 100; i++) {
        if (malloc(200000) != NULL) abort();
    }
    /* So that ending the process does not need what we have taken. */
    munmap(all, pages * page);
}

static void handle(int number) {
    (void)number;
    fail(1);
}

static void signals(void) {
    signal(SIGUSR1, handle);
    for (int i = 0; i < 10; i++) raise(SIGUSR1);
}

/* Only read, write and exit are allowed from here on, and anything else is death. */
static void strict(void) {
    volatile size_t impossible_at_once = SIZE_MAX; /* For which glibc does not even ask the kernel. */
    use_all();
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) abort();
    for (int i = 0; i < 5; i++) (void)!malloc(impossible_at_once);
    syscall(SYS_exit, 0);
}

/* Confines itself after the fork and before its first failure: what it lacks for counting by then, it cannot get any more. */
static void strict_child(void) {
    int status = 0;
    if (fork() == 0) strict();
    if (wait(&status) < 0 || status != 0) abort();
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {
        {"calls", calls},     {"impossible", impossible}, {"errors", errors},       {"threads", threads},
        {"forks", forks},     {"vforks", vforks},         {"daemon", become_daemon}, {"closed", close_all},
        {"maps", fill_maps},  {"signals", signals},       {"strict", strict},       {"strict-child", strict_child},
    };
    for (size_t i = 0; count == 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(arguments[1], modes[i].name) == 0) return modes[i].run(), 0;
    }
    return 2;
}
