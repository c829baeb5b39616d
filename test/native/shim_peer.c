/* Uses whatever malloc it is started with, says what that allocator says of itself, and does on command what programs do:
 * fork, exec, close everything, change user, take on a seccomp filter.
 * It leaves judging to shim*.test.ts. Every command is answered by one line. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "shim_filter.h"

#define WEAK __attribute__((weak))
extern int mallctl(const char *, void *, size_t *, void *, size_t) WEAK;
extern int _rjem_mallctl(const char *, void *, size_t *, void *, size_t) WEAK;
extern void *_rjem_malloc(size_t) WEAK;
extern void _rjem_free(void *) WEAK;
extern int MallocExtension_GetNumericProperty(const char *, size_t *) WEAK;
extern void mi_process_info(size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *) WEAK;

static bool is_prefixed(void) { return _rjem_mallctl != NULL; }
static void *take(size_t bytes) { return is_prefixed() ? _rjem_malloc(bytes) : malloc(bytes); }
static void give(void *memory) {
    if (is_prefixed()) _rjem_free(memory);
    else free(memory);
}

#define BLOCK_COUNT_MAX 400000
static void *blocks[BLOCK_COUNT_MAX];
static size_t block_count;

static void grow(size_t count, size_t bytes) {
    for (size_t i = 0; i < count && block_count < BLOCK_COUNT_MAX; i++) {
        blocks[block_count] = take(bytes);
        memset(blocks[block_count++], 1, bytes);
    }
}

/* Frees all but every nth. */
static void thin(size_t nth) {
    size_t kept = 0;
    for (size_t i = 0; i < block_count; i++) {
        if (nth && i % nth == 0) blocks[kept++] = blocks[i];
        else give(blocks[i]);
    }
    block_count = kept;
}

static size_t control(const char *name) {
    size_t value = 0;
    size_t length = sizeof value;
    (is_prefixed() ? _rjem_mallctl : mallctl)(name, &value, &length, NULL, 0);
    return value;
}

static size_t property(const char *name) {
    size_t value = 0;
    MallocExtension_GetNumericProperty(name, &value);
    return value;
}

static void say_figures(void) {
    if (mallctl || is_prefixed()) {
        uint64_t epoch = 1;
        (is_prefixed() ? _rjem_mallctl : mallctl)("epoch", NULL, NULL, &epoch, sizeof epoch);
        SAY("live=%zu active=%zu resident=%zu retained=%zu metadata=%zu dirty_pages=%zu\n", control("stats.allocated"),
            control("stats.active"), control("stats.resident"), control("stats.retained"), control("stats.metadata"),
            control("stats.arenas.4096.pdirty"));
    } else if (MallocExtension_GetNumericProperty) {
        SAY("live=%zu heap=%zu unmapped=%zu free_pages=%zu\n", property("generic.current_allocated_bytes"),
            property("generic.heap_size"), property("tcmalloc.pageheap_unmapped_bytes"),
            property("tcmalloc.pageheap_free_bytes"));
    } else if (mi_process_info) {
        size_t unused = 0;
        size_t commit = 0;
        mi_process_info(&unused, &unused, &unused, &unused, &unused, &commit, &unused, &unused);
        SAY("commit=%zu\n", commit);
    } else {
        SAY("none=1\n");
    }
}

static int entries_of(const char *path) {
    int count = -2; /* "." and "..". */
    DIR *folder = opendir(path);
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

static void say_state(int errno_at_start) {
    SAY("pid=%d errno=%d threads=%d descriptors=%d\n", getpid(), errno_at_start, entries_of("/proc/self/task"),
        entries_of("/proc/self/fd"));
}

/* The child obeys the rest of the commands until `leave`; the parent waits for it and says how it ended. */
static void fork_and_follow(void) {
    pid_t child = fork();
    if (child == 0) {
        SAY("pid=%d parent=%d\n", getpid(), getppid());
        return;
    }
    int status = -1;
    waitpid(child, &status, 0);
    SAY("status=%d\n", status);
}

/* As the handler of a crash does it, to start a debugger: its own signal is blocked meanwhile. */
static void fork_as_handler(void) {
    sigset_t crash;
    sigemptyset(&crash);
    sigaddset(&crash, SIGSEGV);
    sigprocmask(SIG_BLOCK, &crash, NULL);
    fork_and_follow();
}

/* As a daemon does it: two forks, a new session, no descriptor kept. */
static void become_daemon(void) {
    if (fork() != 0) {
        wait(NULL);
        for (;;) pause();
    }
    setsid();
    if (fork() != 0) _exit(0);
    SAY("pid=%d\n", getpid());
}

static volatile bool goes_on = true;

static void *spin(void *unused) {
    while (goes_on) continue;
    return unused;
}

static pthread_t start_thread(void *(*run)(void *)) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    return thread;
}

/* Having allocated, which gives it a part of the allocator for itself. */
static void *sleep_for_good(void *unused) {
    give(take(100));
    while (goes_on) pause();
    return unused;
}

/* Allocates in a thread that ends: what it leaves is nobody's own. */
static void *grow_and_thin(void *unused) {
    grow(50000, 2000);
    thin(5000);
    return unused;
}

static void fork_many(long count) {
    long failures = 0;
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            free(malloc(100));
            _exit(7);
        }
        int status = -1;
        waitpid(child, &status, 0);
        failures += !WIFEXITED(status) || WEXITSTATUS(status) != 7;
    }
    SAY("failures=%ld\n", failures);
}

static void obey(const char *command) {
    size_t first = 0;
    size_t second = 0;
    if (sscanf(command, "grow %zu %zu", &first, &second) == 2) grow(first, second);
    else if (sscanf(command, "thin %zu", &first) == 1) thin(first);
    else if (strcmp(command, "figures") == 0) { say_figures(); return; }
    else if (strcmp(command, "fork") == 0) { fork_and_follow(); return; }
    else if (strcmp(command, "crash") == 0) { fork_as_handler(); return; }
    else if (sscanf(command, "forks %zu", &first) == 1) { fork_many((long)first); return; }
    else if (strcmp(command, "vfork") == 0) { if (vfork() == 0) _exit(0); wait(NULL); }
    else if (strcmp(command, "leave") == 0) _exit(0);
    else if (strcmp(command, "daemon") == 0) { become_daemon(); return; }
    else if (strcmp(command, "spin") == 0) start_thread(spin);
    else if (strcmp(command, "thread") == 0) start_thread(sleep_for_good);
    else if (strcmp(command, "worker") == 0) pthread_join(start_thread(grow_and_thin), NULL);
    else if (strcmp(command, "user") == 0) { SAY("failed=%d\n", setuid(65534)); return; }
    else if (sscanf(command, "filter %zu", &first) == 1) { SAY("failed=%d\n", take_filter(first == 1)); return; }
    else if (strcmp(command, "close") == 0) for (int i = 3; i < 1024; i++) close(i);
    else if (strcmp(command, "exec") == 0) execl("/proc/self/exe", "again", (char *)NULL);
    else if (strcmp(command, "kill") == 0) raise(SIGKILL);
    say_state(0);
}

int main(void) {
    char command[64];
    say_state(errno);
    while (read_command(command, sizeof command)) obey(command);
    return 0;
}
