/* The profile wrapper's unwinder beside libgcc's, on stacks of many kinds and under AddressSanitizer: the same addresses.
 * It leaves samples to profile_sites. */
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "../../native/profile/unwind.h"

#define NOINLINE __attribute__((noinline, noclone))

static int failures;

/* Ours begins with the caller of the library, libgcc's with the function that asks: here they are in one program, so ours
 * leaves out the whole program where it stands on top. What both have to the bottom must be equal. */
NOINLINE static void compare(const char *what, int depth_min) {
    struct tidemark_profile_stack ours;
    void *theirs[64];
    int count = backtrace(theirs, 64);
    unwind(&ours);
    int same = 0;
    while (same < (int)ours.depth && same < count && ours.frames[ours.depth - 1 - (unsigned)same] == (uint64_t)(uintptr_t)theirs[count - 1 - same])
        same++;
    /* The call that asked differs by its return address. */
    if (same >= depth_min && (int)ours.depth - same <= 2) return;
    fprintf(stderr, "%s: %d frames of %u and %d are the same\n", what, same, ours.depth, count);
    failures++;
}

NOINLINE static int recurse(int depth) {
    char room[100];
    memset(room, depth, sizeof room);
    if (depth == 0) compare("recursion", 20);
    else recurse(depth - 1);
    return room[50];
}

/* A frame whose size only the program knows is found by its frame pointer, one of a large alignment by an expression. */
NOINLINE static void variable(size_t bytes) {
    char *room = __builtin_alloca(bytes);
    _Alignas(128) char aligned[256];
    memset(room, 1, bytes);
    memset(aligned, 2, sizeof aligned);
    compare("alloca and alignment", 3);
    __asm__ volatile("" : : "r"(room), "r"(aligned) : "memory");
}

static int by_qsort(const void *left, const void *right) {
    static int times;
    if (times++ == 0) compare("through libc's qsort", 5);
    return *(const int *)left - *(const int *)right;
}

static void in_handler(int number) {
    (void)number;
    compare("signal", 4);
}

static void *in_thread(void *unused) {
    compare("thread", 2);
    recurse(30);
    return unused;
}

static ucontext_t main_context, other_context;
static void in_coroutine(void) { compare("coroutine", 1); }

int main(void) {
    pthread_t thread;
    int numbers[50];
    static char stack[256 * 1024];
    unwind_start();
    recurse(30);
    variable(1000);
    for (int i = 0; i < 50; i++) numbers[i] = 50 - i;
    qsort(numbers, 50, sizeof numbers[0], by_qsort);
    signal(SIGUSR1, in_handler);
    raise(SIGUSR1);
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = sizeof stack;
    other_context.uc_link = &main_context;
    makecontext(&other_context, in_coroutine, 0);
    swapcontext(&main_context, &other_context);
    return failures != 0;
}
