/* Handlers of fork: the child starts clean, and gets a thread of its own only where that is as safe as it was in the parent.
 * Everywhere else the child stays silent for good, and so do its children.
 * It leaves the thread itself to thread.c. */
#include "fork.h"

#include <signal.h>

#include "kernel.h"
#include "libc.h"
#include "owner.h"
#include "program.h"
#include "thread.h"

static long allowed_seccomp;
static long thread_owner;   /* The process whose thread runs; 0: none does. A bare clone() leaves it to another process. */
static long lock_holder;    /* The thread that forks and has paused ours; 0: none. */
static bool child_may_start;

/* Who forks with these blocked is the handler of one of them, about to start a debugger: its heap may be broken. */
#define BIT_OF(number) (UINT64_C(1) << ((number)-1))
#define FATAL_SIGNALS (BIT_OF(SIGSEGV) | BIT_OF(SIGBUS) | BIT_OF(SIGABRT) | BIT_OF(SIGILL) | BIT_OF(SIGFPE))

static bool is_in_crash(void) {
    uint64_t mask = 0;
    return SYSTEM_CALL_4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask) != 0 || (mask & FATAL_SIGNALS);
}

static void prepare(void) {
    child_may_start = false;
    if (!thread_owner || SYSTEM_CALL_1(SYS_getpid, 0) != thread_owner || seccomp_mode() != allowed_seccomp) return;
    if (!thread_pause()) return;
    lock_holder = SYSTEM_CALL_1(SYS_gettid, 0);
    child_may_start = !is_in_crash() && program_has_one_thread_but_ours() && owner_is_ready_after_fork();
}

static void parent(void) {
    if (!lock_holder || SYSTEM_CALL_1(SYS_gettid, 0) != lock_holder) return;
    lock_holder = 0;
    thread_resume();
}

static void child(void) {
    bool start = child_may_start;
    if (!thread_owner) return;
    thread_owner = 0;
    lock_holder = 0;
    child_may_start = false;
    thread_forget();
    if (!start) return;
    int errno_before = errno;
    if (thread_start(allowed_seccomp)) fork_arm();
    errno = errno_before;
}

bool fork_register(long allowed_seccomp_mode) {
    allowed_seccomp = allowed_seccomp_mode;
    return __register_atfork && __register_atfork(prepare, parent, child, NULL) == 0;
}

void fork_arm(void) { thread_owner = SYSTEM_CALL_1(SYS_getpid, 0); }
