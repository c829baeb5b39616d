/* Allocates at places that are known by name and in amounts that are known, one way per command, and says when it is there.
 * It leaves reading the samples to profile*.test.ts. Every command is answered by one line. */
#include "harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/time.h>
#include <sys/wait.h>

#define NOINLINE __attribute__((noinline, noclone))
#define SITE(name) \
    NOINLINE void *name(size_t bytes) { \
        void *volatile memory = malloc(bytes); \
        return memory; \
    }

/* Not static: their names are in the symbol table under any optimisation. */
void *site_four_fifths(size_t bytes);
void *site_one_fifth(size_t bytes);
void *site_leaking(size_t bytes);
void *site_freed(size_t bytes);
void *site_of_child(size_t bytes);
void *site_of_thread(size_t bytes);
void *site_in_handler(size_t bytes);
void site_raising(void);
SITE(site_four_fifths)
SITE(site_one_fifth)
SITE(site_leaking)
SITE(site_freed)
SITE(site_of_child)
SITE(site_of_thread)
SITE(site_in_handler)

static void *volatile keep;
static volatile sig_atomic_t signal_count;

/* Small ones and large ones in turn, so that each fifth has samples of both. */
static size_t size_of(size_t i) { return i % 64 == 0 ? 20000 : 40 + i % 700; }

static void shares(size_t bytes) {
    size_t done = 0;
    for (size_t i = 0; done < bytes; i++) {
        size_t size = size_of(i);
        for (int part = 0; part < 4; part++) keep = site_four_fifths(size);
        keep = site_one_fifth(size);
        done += 5 * size;
    }
    SAY("bytes=%zu\n", done);
}

/* Holds a window of live blocks, frees the oldest, and leaks one in a hundred from another place. */
static void leak(size_t rounds) {
    static void *window[1000];
    size_t leaked = 0;
    for (size_t i = 0; i < rounds; i++) {
        free(window[i % 1000]);
        window[i % 1000] = site_freed(size_of(i));
        if (i % 100 != 0) continue;
        keep = site_leaking(2000);
        leaked += 2000;
    }
    for (size_t i = 0; i < 1000; i++) {
        free(window[i]);
        window[i] = NULL;
    }
    SAY("bytes=%zu\n", leaked);
}

#define THREADS 8
#define HANDED 4000
static void *handed[THREADS][HANDED];

static void *work(void *number) {
    size_t me = (size_t)number;
    for (size_t i = 0; i < HANDED; i++) handed[me][i] = site_of_thread(size_of(i));
    return NULL;
}

/* Frees what another thread has allocated, which has ended by then. */
static void *release(void *number) {
    size_t me = (size_t)number;
    for (size_t i = 0; i < HANDED; i++) {
        free(handed[me][i]);
        handed[me][i] = NULL;
    }
    return NULL;
}

static void run_threads(void *(*body)(void *)) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, body, (void *)i);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void threads(bool give_back) {
    run_threads(work);
    size_t bytes = 0;
    for (size_t i = 0; i < HANDED; i++) bytes += THREADS * size_of(i);
    if (give_back) run_threads(release);
    SAY("bytes=%zu\n", give_back ? (size_t)0 : bytes);
}

/* The child allocates and frees while other threads of its parent do, and waits to be looked at. */
static void fork_child(void) {
    int ready[2];
    char byte;
    if (pipe(ready) != 0) exit(3);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 20000; i++) keep = site_of_child(size_of(i));
        (void)!write(ready[1], "x", 1);
        close(ready[1]);
        pause();
        _exit(0);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) exit(3);
    close(ready[0]);
    SAY("child=%d\n", (int)child);
}

static volatile bool is_over;
static void *churn(void *unused) {
    while (!is_over) free(site_freed(3000));
    return unused;
}

/* Forks again and again while threads take samples: a child that waits for one of them would never end. */
static void forks(size_t count) {
    pthread_t thread[3];
    is_over = false;
    for (int i = 0; i < 3; i++) pthread_create(&thread[i], NULL, churn, NULL);
    for (size_t i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (size_t part = 0; part < 200; part++) free(site_of_child(9000));
            _exit(0);
        }
        int status = 0;
        if (waitpid(child, &status, 0) != child || status != 0) exit(4);
    }
    is_over = true;
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    SAY("forks=%zu\n", count);
}

static void count_signal(int number) {
    (void)number;
    signal_count++;
}

static void on_stack_of_its_own(void) {
    static char stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
}

/* Signals at every moment of a program that allocates, samples included. */
static void storm(size_t rounds) {
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    on_stack_of_its_own();
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (size_t i = 0; i < rounds; i++) free(site_freed(4096));
    setitimer(ITIMER_REAL, &never, NULL);
    SAY("signals=%d\n", (int)signal_count);
}

static void allocate_in_handler(int number) {
    (void)number;
    keep = site_in_handler(1 << 20);
}

NOINLINE void site_raising(void) {
    raise(SIGUSR1);
    __asm__ volatile("");
}

/* A signal that is raised at a place where malloc is not at work: its handler may allocate, and its stack goes on below it. */
static void handler(bool on_other_stack) {
    struct sigaction action = {.sa_handler = allocate_in_handler, .sa_flags = on_other_stack ? SA_ONSTACK : 0};
    on_stack_of_its_own();
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 50; i++) site_raising();
    SAY("done=1\n");
}

/* A library that allocates, keeps it, and is unloaded. */
static void plugin(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    void *(*allocate)(size_t) = library == NULL ? NULL : (void *(*)(size_t))dlsym(library, "site_of_plugin");
    if (allocate == NULL) exit(3);
    for (size_t i = 0; i < 1000; i++) keep = allocate(50000);
    SAY("unloaded=%d\n", dlclose(library) == 0);
}

/* Every function that allocates, errno as it was, and blocks that hold what was written. */
static void all_functions(void) {
    bool good = true;
    for (size_t i = 1; i < 3000; i++) {
        size_t size = size_of(i) * 2;
        void *other = NULL;
        errno = 77;
        char *zeroed = calloc(size, 1), *grown = malloc(size), *aligned = aligned_alloc(64, (size + 63) / 64 * 64);
        good = good && errno == 77 && zeroed != NULL && aligned != NULL && (size_t)aligned % 64 == 0;
        for (size_t at = 0; at < size; at++) good = good && zeroed[at] == 0;
        memset(grown, (int)i & 127, size);
        grown = realloc(grown, 3 * size);
        for (size_t at = 0; at < size; at++) good = good && grown[at] == ((char)i & 127);
        grown = reallocarray(grown, size, 2);
        good = good && posix_memalign(&other, 4096, size) == 0 && (size_t)other % 4096 == 0;
        void *pages = valloc(size), *paged = pvalloc(size), *old = memalign(256, size);
        good = good && errno == 77 && pages != NULL && paged != NULL && (size_t)old % 256 == 0;
        void *all[] = {zeroed, grown, aligned, other, pages, paged, old, realloc(NULL, size)};
        for (size_t at = 0; at < sizeof all / sizeof all[0]; at++) free(all[at]);
        good = good && posix_memalign(&other, 3, size) == EINVAL && realloc(malloc(size), 0) == NULL;
    }
    volatile size_t huge = SIZE_MAX / 2 + 2;
    void *impossible[] = {malloc(huge), calloc(huge, 4), reallocarray(NULL, huge, 4), aligned_alloc(64, huge)};
    for (int at = 0; at < 4; at++) good = good && impossible[at] == NULL;
    /* A block that could not be resized is still there, sampled or not. */
    char *kept = site_leaking(1 << 20);
    good = good && realloc(kept, huge) == NULL && errno == ENOMEM;
    kept[0] = kept[(1 << 20) - 1] = 1;
    SAY("good=%d\n", good);
}

int main(int count, char **arguments) {
    char command[256];
    if (count > 1 && strcmp(arguments[1], "all") == 0) {
        all_functions();
        return 0;
    }
    SAY("pid=%d\n", (int)getpid());
    while (read_command(command, sizeof command)) {
        size_t number = (size_t)strtoull(strchr(command, ' ') != NULL ? strchr(command, ' ') : "0", NULL, 10);
        if (strncmp(command, "shares ", 7) == 0) shares(number);
        else if (strncmp(command, "leak ", 5) == 0) leak(number);
        else if (strcmp(command, "threads keep") == 0) threads(false);
        else if (strcmp(command, "threads free") == 0) threads(true);
        else if (strcmp(command, "fork") == 0) fork_child();
        else if (strncmp(command, "forks ", 6) == 0) forks(number);
        else if (strncmp(command, "storm ", 6) == 0) storm(number);
        else if (strcmp(command, "handler") == 0) handler(false);
        else if (strcmp(command, "handler apart") == 0) handler(true);
        else if (strncmp(command, "plugin ", 7) == 0) plugin(command + 7);
        else if (strcmp(command, "all") == 0) all_functions();
        else SAY("unknown\n");
    }
    return 0;
}
