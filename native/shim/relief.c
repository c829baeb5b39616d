/* Answers a request for relief: not at all unless allowed, not too often, and only at a quiet moment. A profile is profile.c's.
 * It leaves deciding whether relief is worth it to the requester. The ring file has mode 0600: only the user who runs the
 * process, who can do worse to it, and root can make a request. */
#include "relief.h"

#include <fcntl.h>

#include "../preload/text.h"
#include "kernel.h"
#include "profile.h"
#include "ring.h"
#include "settings.h"

/* Quiet is less than a tenth of one core since the last look: a trim may lock the allocator for milliseconds then. */
#define QUIET_SHARE 10

static uint64_t answered_number;
static uint64_t last_relief_ns; /* 0: never. */
/* The clocks at the last look at a request that waits; 0: this is its first look. */
static uint64_t looked_at_ns;
static uint64_t cpu_then_ns;

void relief_forget(void) {
    answered_number = 0;
    last_relief_ns = 0;
    looked_at_ns = 0;
}

/* From statm (man 5 proc): the second number is resident pages. Absent without a descriptor table of our own: a program that
 * closes all descriptors just now, and reuses their numbers, would have us read from its file. */
static uint64_t resident_bytes(bool has_own_descriptors) {
    char text[128] = {0};
    if (!has_own_descriptors) return TIDEMARK_ABSENT;
    int file = system_open_at(AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return TIDEMARK_ABSENT;
    long length = system_read(file, text, sizeof text - 1);
    (void)system_close(file);
    size_t at = 0;
    uint64_t pages = 0;
    if (length <= 0) return TIDEMARK_ABSENT;
    while (text[at] && text[at] != ' ') at++;
    if (!text[at]) return TIDEMARK_ABSENT;
    for (at++; text[at] >= '0' && text[at] <= '9'; at++) pages = pages * 10 + (uint64_t)(text[at] - '0');
    return pages * settings.page_bytes;
}

static bool is_quiet(void) {
    uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
    uint64_t past_ns = now_ns - looked_at_ns;
    /* Looks may come oftener, for the sake of records; a measurement in between makes a look come a little early. */
    if (looked_at_ns && past_ns < RELIEF_LOOK_MS * NS_PER_MS / 10 * 9) return false;
    uint64_t cpu_ns = clock_now_ns(CLOCK_PROCESS_CPUTIME_ID);
    bool quiet = looked_at_ns && (cpu_ns - cpu_then_ns) * QUIET_SHARE < past_ns;
    looked_at_ns = now_ns;
    cpu_then_ns = cpu_ns;
    return quiet;
}

static enum tidemark_outcome release(const struct allocator *allocator, struct tidemark_answer *answer, bool has_own_descriptors) {
    answer->resident_bytes_before = resident_bytes(has_own_descriptors);
    last_relief_ns = clock_now_ns(CLOCK_MONOTONIC);
    uint64_t cpu_before_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
    bool done = allocator->release();
    answer->cpu_us = (clock_now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_before_ns) / 1000;
    answer->duration_us = (clock_now_ns(CLOCK_MONOTONIC) - last_relief_ns) / 1000;
    uint64_t after = answer->resident_bytes_after = resident_bytes(has_own_descriptors);
    uint64_t before = answer->resident_bytes_before;
    if (before == TIDEMARK_ABSENT || after == TIDEMARK_ABSENT) answer->bytes_returned = TIDEMARK_ABSENT;
    else answer->bytes_returned = before > after ? before - after : 0;
    return done ? TIDEMARK_OUTCOME_DONE : TIDEMARK_OUTCOME_UNSUPPORTED;
}

/* TIDEMARK_OUTCOME_NONE: not yet. */
static enum tidemark_outcome decide(const struct allocator *allocator, const struct tidemark_request *request,
                                    struct tidemark_answer *answer, bool has_own_descriptors) {
    uint32_t action = __atomic_load_n(&request->action, __ATOMIC_RELAXED);
    /* At once: whoever asks wants to see what is there now, busy or not. */
    if (action == TIDEMARK_ACTION_PROFILE) return profile_make(allocator, answer, has_own_descriptors);
    if (!settings.is_relief_allowed) return TIDEMARK_OUTCOME_NOT_ALLOWED;
    if (action != TIDEMARK_ACTION_RELIEF) return TIDEMARK_OUTCOME_UNSUPPORTED;
    uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
    if (last_relief_ns && now_ns - last_relief_ns < settings.relief_pause_ms * NS_PER_MS) return TIDEMARK_OUTCOME_RATE_LIMITED;
    uint64_t not_after_ms = __atomic_load_n(&request->not_after_ms, __ATOMIC_RELAXED);
    if (clock_now_ns(CLOCK_REALTIME) / NS_PER_MS > not_after_ms) return TIDEMARK_OUTCOME_NEVER_QUIET;
    return is_quiet() ? release(allocator, answer, has_own_descriptors) : TIDEMARK_OUTCOME_NONE;
}

void relief_look(const struct allocator *allocator, bool has_own_descriptors) {
    profile_expire();
    const struct tidemark_request *request = ring_request();
    uint64_t number = __atomic_load_n(&request->request_number, __ATOMIC_ACQUIRE);
    if (number == answered_number) return;
    struct tidemark_answer answer = {.request_number = number};
    answer.bytes_asked = __atomic_load_n(&request->bytes_asked, __ATOMIC_RELAXED);
    answer.resident_bytes_before = answer.resident_bytes_after = TIDEMARK_ABSENT;
    answer.outcome = (uint32_t)decide(allocator, request, &answer, has_own_descriptors);
    if (answer.outcome == TIDEMARK_OUTCOME_NONE) return;
    answer.answered_ms = clock_now_ns(CLOCK_REALTIME) / NS_PER_MS;
    answered_number = number;
    looked_at_ns = 0;
    ring_answer(&answer);
}
