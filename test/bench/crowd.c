/* A crowd of processes as a server forks them: `crowd-bench <processes> <mib> <seconds>`, each with a heap of so many MiB in which
 * a little comes and goes all the time; every so many seconds the oldest ends and another takes its place (0: never).
 * All of them end with their parent. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 4096
#define BLOCK_BYTES 2000
#define CHURN_PER_TURN 64
#define TURN_NS 200000000L

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void pause_ns(long ns) {
    struct timespec pause = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};
    nanosleep(&pause, NULL);
}

static _Noreturn void live(size_t bytes, uint32_t seed) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    size_t count = bytes / BLOCK_BYTES;
    char **blocks = calloc(count, sizeof *blocks);
    if (blocks == NULL) _exit(1);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        if (blocks[i] == NULL) _exit(1);
        memset(blocks[i], 'x', BLOCK_BYTES);
    }
    for (;;) {
        for (int i = 0; i < CHURN_PER_TURN; i++) {
            size_t at = next_random(&seed) % count;
            size_t size = 64 + next_random(&seed) % BLOCK_BYTES;
            free(blocks[at]);
            blocks[at] = malloc(size);
            if (blocks[at] != NULL) memset(blocks[at], 'y', size);
        }
        pause_ns(TURN_NS);
    }
}

static pid_t start(size_t bytes, uint32_t seed) {
    pid_t child = fork();
    if (child == 0) live(bytes, seed);
    if (child < 0) exit(1);
    return child;
}

int main(int argument_count, char **arguments) {
    if (argument_count != 4) {
        fputs("usage: crowd-bench <processes> <mib> <seconds>\n", stderr);
        return 2;
    }
    int processes = atoi(arguments[1]);
    size_t bytes = (size_t)atoi(arguments[2]) << 20;
    int seconds = atoi(arguments[3]);
    static pid_t crowd[PROCESSES_MAX];
    if (processes < 1 || processes > PROCESSES_MAX) return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uint32_t seed = 1;
    for (int i = 0; i < processes; i++) crowd[i] = start(bytes, seed++);
    puts("ready");
    fflush(stdout);
    for (int oldest = 0;; oldest = (oldest + 1) % processes) {
        if (seconds == 0) pause();
        sleep((unsigned)seconds);
        kill(crowd[oldest], SIGKILL);
        waitpid(crowd[oldest], NULL, 0);
        crowd[oldest] = start(bytes, seed++);
    }
}
