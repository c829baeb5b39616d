/* Processes that are not ordinary glibc heaps: `odd <garbage|foreign_brk|filled|split|forked>`.
 * It leaves what the walker must say about each to the test. */
#include "harness.h"

#include <sys/mman.h>
#include <sys/wait.h>

/* An allocator of its own on brk, as some programs and older allocators have. */
static void fill_brk_with_garbage(void) {
    uint32_t random = 5;
    char *start = sbrk(1 << 20);
    /* From the start of the brk area, so that what glibc may have put there before main goes as well. */
    char *heap_start = (char *)((uintptr_t)start & ~(uintptr_t)4095);
    for (char *at = heap_start; at < start + (1 << 20); at++) *at = (char)next_random(&random);
}

/* Someone else moves the break, so the main arena is no longer one piece. */
static void break_main_arena(void) {
    void *first[100];
    for (int i = 0; i < 100; i++) first[i] = malloc(2000);
    memset(sbrk(100000), 'x', 100000);
    for (int i = 0; i < 300; i++) memset(malloc(2000), 'y', 2000);
    for (int i = 0; i < 100; i += 2) free(first[i]);
}

static void fill(void) {
    static void *blocks[4000];
    for (int i = 0; i < 4000; i++) memset(blocks[i] = malloc(1100), 'x', 1100);
    for (int i = 0; i < 4000; i += 2) free(blocks[i]);
}

/* Splits [heap] into three mappings that are still one heap. */
static void split(void) {
    fill();
    char *middle = (char *)((uintptr_t)malloc(8192) & ~(uintptr_t)4095);
    if (madvise(middle, 4096, MADV_DONTFORK) != 0) exit(3);
}

int main(int argument_count, char **arguments) {
    if (argument_count < 2) return 2;
    const char *kind = arguments[1];
    if (strcmp(kind, "garbage") == 0) fill_brk_with_garbage();
    if (strcmp(kind, "foreign_brk") == 0) break_main_arena();
    if (strcmp(kind, "filled") == 0) fill();
    if (strcmp(kind, "split") == 0) split();
    if (strcmp(kind, "forked") == 0) {
        /* The child writes to its copy, so the kernel splits what looked like one mapping; the parent only waits. */
        fill();
        int status = 0;
        pid_t child = fork();
        if (child != 0) {
            waitpid(child, &status, 0);
            return WEXITSTATUS(status);
        }
        fill();
    }
    SAY("pid=%d ", (int)getpid()); /* The test must walk the child of "forked". */
    if (strcmp(kind, "garbage") == 0) SAY("used=0\n");
    if (strcmp(kind, "garbage") != 0) say_truth(1, 0);
    for (char command[32]; read_command(command, sizeof command);) continue;
    return 0;
}
