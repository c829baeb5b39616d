/* The command tidemark-walk: measures the glibc heap of a running process from outside.
 * It leaves the walk to walk.c and the request loop to serve.c. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "guard.h"
#include "print.h"
#include "serve.h"

#define CPU_BUDGET_US_DEFAULT UINT64_C(500000)
#define EXIT_FIGURES 0
#define EXIT_UNKNOWN 1
#define EXIT_USAGE 2

static const char usage[] =
    "usage: tidemark-walk [--arenas] [--cpu-budget-us N] <pid>\n"
    "       tidemark-walk --serve\n"
    "       tidemark-walk --help | --version\n"
    "Measures the glibc heap of a running process from outside, without stopping it.\n"
    "With --arenas, one line an arena comes before the line of the process.\n"
    "With --serve, answers lines \"<pid> <cpu_budget_us> [<wall_ms>]\" from standard input.\n"
    "Exit status: 0 figures, 1 unknown (the line says why), 2 usage.\n";

/* A walk wakes up thousands of times a second, and must not push the program that it watches off its CPU each time. */
static void yield_to_others(void) {
    struct sched_param parameters = {.sched_priority = 0};
    sched_setscheduler(0, SCHED_BATCH, &parameters);
    /* The default slack of 50 us would make our 20 us pauses four times as long. */
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

/* We hold other processes' memory for moments: nobody may look into us, and no core file may be left behind. */
static void protect(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int refuse(const char *problem, const char *value) {
    fprintf(stderr, "tidemark-walk: %s: %s\n%s", problem, value, usage);
    return EXIT_USAGE;
}

static int walk_one(const char *pid_text, uint64_t budget_us, bool arenas) {
    const char *end;
    pid_t pid;
    struct walk_limits limits = {.cpu_us = budget_us, .wall_ms = WALL_MS_DEFAULT};
    struct walk_result result;
    if (!parse_pid(pid_text, &end, &pid) || *end != '\0') return refuse("not a pid", pid_text);
    walk_guarded(pid, limits, &result);
    bool printed = (!arenas || print_arenas(&result)) && print_result(&result);
    return printed && result.reason == WALK_OK ? EXIT_FIGURES : EXIT_UNKNOWN;
}

int main(int argument_count, char **arguments) {
    uint64_t budget_us = CPU_BUDGET_US_DEFAULT;
    int at = 1;
    protect();
    yield_to_others();
    if (argument_count == 2 && strcmp(arguments[1], "--help") == 0) return fputs(usage, stdout) < 0;
    if (argument_count == 2 && strcmp(arguments[1], "--version") == 0) return puts("tidemark-walk " TIDEMARK_VERSION) < 0;
    if (argument_count == 2 && strcmp(arguments[1], "--serve") == 0) {
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        serve();
        return EXIT_FIGURES;
    }
    bool arenas = argument_count > at && strcmp(arguments[at], "--arenas") == 0;
    at += arenas;
    if (argument_count > at + 1 && strcmp(arguments[at], "--cpu-budget-us") == 0) {
        const char *end;
        if (!parse_limit(arguments[at + 1], &end, &budget_us) || *end != '\0') return refuse("not a CPU budget", arguments[at + 1]);
        at += 2;
    }
    if (argument_count != at + 1) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return walk_one(arguments[at], budget_us, arenas);
}
