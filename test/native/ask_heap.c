/* A library for LD_PRELOAD, for tests only: asks glibc for its own figures inside a real program, when a signal says so.
 * It leaves walking the same heap, and comparing, to agreement.test.ts and trim.test.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two signals that no program of the tests uses: glibc has 32 and 33, the JVM 62. */
#define ASK_SIGNAL 59
#define TRIM_SIGNAL 58
#define PATH_BYTES_MAX 128

/* malloc_info writes into stdio's buffer, which lies here: a buffer of its own would be a new chunk in the heap we ask about. */
static char buffer[1 << 16];
static char folder[PATH_BYTES_MAX];
static FILE *answer;
static int answer_file = -1;
static unsigned answers;

static ssize_t write_all(void *cookie, const char *text, size_t bytes) {
    (void)cookie;
    for (size_t done = 0; done < bytes;) {
        ssize_t put = write(answer_file, text + done, bytes - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return 0;
        done += (size_t)put;
    }
    return (ssize_t)bytes;
}

/* The tests send a signal only while the program waits: no thread is inside malloc, so its locks can be had. */
static void on_signal(int number) {
    int saved_errno = errno;
    char name[PATH_BYTES_MAX + 32];
    char partial[sizeof name + 8];
    /* A forked child has a pid of its own, but would count on from its parent's number: no file is written twice. */
    snprintf(name, sizeof name, "%s/%d.%u", folder, (int)getpid(), ++answers);
    snprintf(partial, sizeof partial, "%s.part", name);
    answer_file = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (answer_file >= 0) {
        if (number == ASK_SIGNAL) {
            struct mallinfo2 info = mallinfo2();
            malloc_info(0, answer);
            fprintf(answer, "arena=%zu ordblks=%zu smblks=%zu hblks=%zu hblkhd=%zu fsmblks=%zu uordblks=%zu fordblks=%zu keepcost=%zu\n",
                    info.arena, info.ordblks, info.smblks, info.hblks, info.hblkhd, info.fsmblks, info.uordblks, info.fordblks,
                    info.keepcost);
        } else {
            fprintf(answer, "released=%d\n", malloc_trim(0));
        }
        fflush(answer);
        close(answer_file);
        rename(partial, name);
    }
    errno = saved_errno;
}

__attribute__((constructor)) static void listen_for_signals(void) {
    const char *wanted = getenv("TIDEMARK_ASK_FOLDER");
    if (wanted == NULL || strlen(wanted) >= sizeof folder) return;
    strcpy(folder, wanted);
    answer = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_all});
    if (answer == NULL) return;
    setvbuf(answer, buffer, _IOFBF, sizeof buffer);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(ASK_SIGNAL, &action, NULL);
    sigaction(TRIM_SIGNAL, &action, NULL);
}
