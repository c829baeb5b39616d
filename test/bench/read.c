/* The least that looking at a heap can cost: `read-bench <pid>` reads the bytes of [heap] as the walker does, 64 KiB with
 * process_vm_readv(2) between its pauses, and does nothing with them. It leaves comparing to bench/native/walk.ts. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>

#define PIECE_BYTES 65536
/* The walker's pace: native/walker/process_memory.c. */
#define STARVED_NS 500000
#define PIECES_WHEN_STARVED 8

static const struct timespec pause_of_20_us = {.tv_nsec = 20000};
static _Alignas(16) unsigned char piece[PIECE_BYTES];
static unsigned pieces_to_pause = 1;

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pace(void) {
    if (--pieces_to_pause > 0) return;
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    nanosleep(&pause_of_20_us, NULL);
    pieces_to_pause = clock_ns(CLOCK_MONOTONIC) - start >= STARVED_NS ? PIECES_WHEN_STARVED : 1;
}

static uint64_t read_span(pid_t pid, uint64_t start, uint64_t end) {
    uint64_t bytes = 0;
    for (uint64_t at = start; at < end; at += PIECE_BYTES) {
        size_t want = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        struct iovec local = {.iov_base = piece, .iov_len = want};
        struct iovec remote = {.iov_base = (void *)(uintptr_t)at, .iov_len = want};
        ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
        if (got > 0) bytes += (uint64_t)got;
        pace();
    }
    return bytes;
}

int main(int argument_count, char **arguments) {
    if (argument_count != 2) return 2;
    pid_t pid = atoi(arguments[1]);
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    if (maps == NULL) return 1;
    /* As the walker: otherwise the pauses are four times as long, and each wake-up takes the CPU from the target. */
    struct sched_param parameters = {.sched_priority = 0};
    sched_setscheduler(0, SCHED_BATCH, &parameters);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    uint64_t bytes = 0, start, end, before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, "[heap]") == NULL) continue;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2) bytes += read_span(pid, start, end);
    }
    fclose(maps);
    printf("bytes=%" PRIu64 " cpu_us=%" PRIu64 "\n", bytes, (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before) / 1000);
    return bytes == 0;
}
