/* One detached thread that sleeps, measures, writes a record, and looks for a request. It takes no signal, holds no descriptor
 * of the program, and makes way for a fork.
 * It leaves where figures come from to the allocators. */
#include "thread.h"

#include <sched.h>
#include <signal.h>

#include "kernel.h"
#include "libc.h"
#include "owner.h"
#include "profile.h"
#include "program.h"
#include "relief.h"
#include "ring.h"
#include "settings.h"

/* Measuring needs about 10 KB of stack (jemalloc, malloc_trim), thread-local storage comes on top. Untouched pages cost nothing. */
#define STACK_BYTES_MIN ((size_t)128 * 1024)
#define STACK_BYTES_OVER_TLS ((size_t)64 * 1024)
/* Processes that end sooner, which is most of them, pay for the start of a thread and nothing else, and leave no file. */
#define FIRST_RECORD_MS 1000
/* jemalloc's statistics take 0.1 ms with 9 arenas and 30 ms with 257: above this the interval grows with what they cost. */
#define CHEAP_PROBE_US 1000
/* 0.05 % of a core. */
#define COST_SHARE 2000
/* What a fork waits for a measurement at most: longer than any that was seen, shorter than anybody would notice. */
#define FORK_WAIT_NS (50 * NS_PER_MS)
/* How long a program whose other threads have left waits for us at most. A look costs a microsecond. */
#define ALONE_LOOK_NS NS_PER_S
/* Linux 5.9. The headers may be older. */
#define NUMBER_OF_CLOSE_RANGE 436
#define CLOSE_RANGE_UNSHARE_FLAG 2

static const struct allocator *allocator;
static long allowed_seccomp;
static bool has_own_descriptors;
static uint32_t never; /* Nobody wakes the thread: it waits on this word for time to pass. */
static uint32_t lock;  /* 0 free, 1 taken, 2 taken and waited for. Ulrich Drepper, "Futexes Are Tricky", mutex 2. */

static bool take_lock(uint64_t wait_ns) {
    uint32_t expected = 0;
    if (__atomic_compare_exchange_n(&lock, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return true;
    uint64_t give_up_ns = wait_ns == UINT64_MAX ? UINT64_MAX : clock_now_ns(CLOCK_MONOTONIC) + wait_ns;
    while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE) != 0) {
        uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
        if (now_ns >= give_up_ns) return false;
        futex_wait(&lock, 2, give_up_ns == UINT64_MAX ? UINT64_MAX : give_up_ns - now_ns);
    }
    return true;
}

static void drop_lock(void) {
    if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2) futex_wake(&lock);
}

bool thread_pause(void) { return take_lock(FORK_WAIT_NS); }
void thread_resume(void) { drop_lock(); }

void thread_forget(void) {
    lock = 0;
    ring_forget();
    relief_forget();
    profile_forget();
}

/* A program may put its threads under a filter that allows nothing of ours (SECCOMP_FILTER_FLAG_TSYNC): then sleep for good,
 * which every program with threads must allow. */
static void stop_under_new_filter(void) {
    while (seccomp_mode() != allowed_seccomp) futex_wait(&never, 0, UINT64_MAX);
}

/* False when nobody is left but us: a program whose first thread has left ends with its last one, and that must not be ours. */
static bool sleep_until(uint64_t due_ns) {
    for (;;) {
        uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
        if (now_ns >= due_ns) return true;
        futex_wait(&never, 0, due_ns - now_ns < ALONE_LOOK_NS ? due_ns - now_ns : ALONE_LOOK_NS);
        stop_under_new_filter();
        if (program_has_left()) return false;
    }
}

/* The interval until the next record, in ms. */
static uint64_t measure(void) {
    struct tidemark_record record;
    ring_clear(&record);
    uint64_t cpu_before_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
    allocator->measure(&record);
    record.probe_cpu_us = (clock_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_before_ns) / 1000;
    record.sampled_ms = clock_now_ns(CLOCK_REALTIME) / NS_PER_MS;
    ring_write(&record);
    uint64_t least_ms = record.probe_cpu_us > CHEAP_PROBE_US ? record.probe_cpu_us * COST_SHARE / 1000 : 0;
    return least_ms > settings.interval_ms ? least_ms : settings.interval_ms;
}

static void run(void) {
    uint64_t record_due_ns = 0;
    take_lock(UINT64_MAX);
    ring_introduce(allocator);
    drop_lock();
    for (;;) {
        uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
        take_lock(UINT64_MAX);
        if (allocator->measure && now_ns >= record_due_ns) {
            uint64_t interval_ms = measure();
            ring_set_interval(interval_ms);
            record_due_ns = now_ns + interval_ms * NS_PER_MS;
        }
        relief_look(allocator, has_own_descriptors);
        drop_lock();
        uint64_t look_due_ns = settings.is_relief_allowed || settings.is_profile_allowed ? now_ns + RELIEF_LOOK_MS * NS_PER_MS : record_due_ns;
        if (!sleep_until(allocator->measure && record_due_ns < look_due_ns ? record_due_ns : look_due_ns)) return;
    }
}

/* Nobody else is left. Who returns here ends the program as its last thread does: nptl runs what atexit knows, if the first
 * thread left by pthread_exit. If it left by the system call itself, with a code, then that code is the program's; since Linux
 * 6.0 the last thread's counts (kernel/exit.c, synchronize_group_exit). */
static void leave_last(void) {
    long code = has_own_descriptors ? program_left_with() : 0;
    if (code) (void)SYSTEM_CALL_1(SYS_exit, code);
}

static void *thread_main(void *has_file) {
    (void)SYSTEM_CALL_2(SYS_prctl, PR_SET_NAME, "tidemark");
    uint64_t first_ms = settings.interval_ms < FIRST_RECORD_MS ? settings.interval_ms : FIRST_RECORD_MS;
    uint64_t first_ns = clock_now_ns(CLOCK_MONOTONIC) + first_ms * NS_PER_MS;
    int folder = -1;
    if (has_own_descriptors) {
        (void)SYSTEM_CALL_3(NUMBER_OF_CLOSE_RANGE, 0, ~0U, CLOSE_RANGE_UNSHARE_FLAG);
        folder = ring_open_folder(); /* Now: the program may change its root directory before the first record. */
        if (folder < 0) return NULL;
    }
    if (!sleep_until(first_ns)) {
        if (has_file) ring_discard();
        leave_last();
        return NULL;
    }
    allocator = owner_find();
    if (!allocator || (!allocator->measure && !settings.is_relief_allowed)) {
        if (has_file) ring_discard();
        return NULL;
    }
    if (!has_file && !ring_create(folder)) return NULL;
    if (folder >= 0) (void)system_close(folder);
    run();
    leave_last();
    return NULL;
}

/* Every signal but the two that glibc keeps for itself: cancellation, and setuid in all threads, which would wait for us for
 * ever (nptl/pthreadP.h: SIGCANCEL 32, SIGSETXID 33). */
#define BLOCKED_SIGNALS (~(UINT64_C(3) << (32 - 1)))

static bool create_thread(bool has_file) {
    pthread_attr_t attributes;
    pthread_t thread;
    uint64_t mask = BLOCKED_SIGNALS;
    uint64_t mask_before = 0;
    if (!pthread_create || !pthread_attr_init || !pthread_attr_setstacksize || !pthread_attr_setdetachstate) return false;
    if (pthread_attr_init(&attributes) != 0) return false;
    size_t least = (__pthread_get_minstack ? __pthread_get_minstack(&attributes) : 0) + STACK_BYTES_OVER_TLS;
    bool ready = pthread_attr_setstacksize(&attributes, least > STACK_BYTES_MIN ? least : STACK_BYTES_MIN) == 0 &&
                 pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0;
    if (!ready) return false;
    (void)SYSTEM_CALL_4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &mask_before, sizeof mask);
    bool created = pthread_create(&thread, &attributes, thread_main, has_file ? &never : NULL) == 0;
    (void)SYSTEM_CALL_4(SYS_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, sizeof mask);
    return created;
}

/* Before Linux 5.9 a thread cannot leave the program's descriptor table without touching it. There the file is made at once,
 * while no other thread runs that could close or reuse its descriptor. */
static bool start_with_file(void) {
    int folder = ring_open_folder();
    if (folder < 0) return false;
    bool started = ring_create(folder);
    if (started && !create_thread(true)) {
        ring_discard();
        started = false;
    }
    (void)system_close(folder);
    return started;
}

bool thread_start(long allowed_seccomp_mode) {
    allowed_seccomp = allowed_seccomp_mode;
    /* From 1 to 0 is no range: EINVAL where the call exists. */
    has_own_descriptors = SYSTEM_CALL_3(NUMBER_OF_CLOSE_RANGE, 1, 0, 0) == -EINVAL;
    return has_own_descriptors ? create_thread(false) : start_with_file();
}
