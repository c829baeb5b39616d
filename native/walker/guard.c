/* Sets an alarm around a walk. Reading maps, pagemap or memory waits for the target's mmap_lock, which a target that is
 * stuck in the kernel may hold for ever. It leaves measuring to walk.c. */
#include "guard.h"

#include <signal.h>
#include <unistd.h>

/* Longer than the collector waits after the end of the wall time, because it knows better what to do. */
#define GRACE_S 10
#define WALL_S_MAX 600

/* Only a signal that ends the process gets a reader out of that wait (mmap_read_lock_killable in fs/proc/task_mmu.c and
 * mm/gup.c of Linux 6.1): a handler would not run. So the action is the default one, whatever we inherited. */
static void make_alarm_deadly(void) {
    sigset_t alarm_only;
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
}

void walk_guarded(pid_t pid, struct walk_limits limits, struct walk_result *result) {
    uint64_t wall_s = limits.wall_ms / 1000 < WALL_S_MAX ? limits.wall_ms / 1000 : WALL_S_MAX;
    make_alarm_deadly();
    alarm((unsigned)wall_s + GRACE_S);
    walk_process(pid, limits, result);
    alarm(0);
}
