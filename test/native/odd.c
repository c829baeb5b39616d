/* Processes that are not ordinary glibc heaps: `odd <garbage|foreign_brk|blocked_brk|filled|split|forked|grown|strange|hidden|zend>`.
 * It leaves what the walker must say about each to the test. */
#include "harness.h"

#include <pthread.h>
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

static void fill_with(int count) {
    for (int i = 0; i < count; i++) memset(malloc(2000), 'x', 2000);
}

/* Someone else moves the break, so the main arena is no longer one piece. */
static void break_main_arena(void) {
    void *first[100];
    for (int i = 0; i < 100; i++) first[i] = malloc(2000);
    memset(sbrk(100000), 'x', 100000);
    for (int i = 0; i < 300; i++) memset(malloc(2000), 'y', 2000);
    for (int i = 0; i < 100; i += 2) free(first[i]);
}

/* Something lies behind the heap, so that brk fails and malloc goes on in mappings, for ever: it does not ask again. */
static void block_brk(void) {
    fill_with(100);
    if (mmap(sbrk(0), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) exit(3);
    fill_with(1000);
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

#define ARENA_HEAP_BYTES ((uintptr_t)64 << 20)

/* Memory of another allocator just where glibc would put an arena's heap, which begins as PHP's do: with a pointer into
 * itself, and two to itself. zend_mm_chunk in Zend/zend_alloc.c: heap, next, prev; heap_slot at 64. */
static void map_zend_chunk(void) {
    char *room = mmap(NULL, 2 * ARENA_HEAP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) exit(3);
    uintptr_t start = ((uintptr_t)room + ARENA_HEAP_BYTES - 1) & ~(ARENA_HEAP_BYTES - 1);
    uintptr_t *chunk = (uintptr_t *)start;
    if (mprotect(chunk, 2 << 20, PROT_READ | PROT_WRITE) != 0) exit(3);
    chunk[0] = start + 64;
    chunk[1] = start;
    chunk[2] = start;
}

static pthread_barrier_t built;
static void *block;

static void *fill_arena(void *argument) {
    block = malloc(2000);
    pthread_barrier_wait(&built);
    pause(); /* A thread that ended would give its arena away. */
    return argument;
}

/* A thread arena whose heap_info does not fit what the walker knows: it has grown since the maps were read (mprotect_size),
 * is of a form to come (size), or cannot be found at all (ar_ptr). heap_info in glibc's malloc/arena.c. */
static void spoil_arena(const char *kind) {
    pthread_t thread;
    pthread_barrier_init(&built, NULL, 2);
    if (pthread_create(&thread, NULL, fill_arena, NULL) != 0) exit(3);
    pthread_barrier_wait(&built);
    size_t *heap_info = (size_t *)((uintptr_t)block & ~(uintptr_t)((64 << 20) - 1));
    if (strcmp(kind, "grown") == 0) heap_info[3] += 1 << 20;
    if (strcmp(kind, "strange") == 0) heap_info[2] = 1;
    if (strcmp(kind, "hidden") == 0) heap_info[0] = 0;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 2) return 2;
    const char *kind = arguments[1];
    if (strcmp(kind, "garbage") == 0) fill_brk_with_garbage();
    if (strcmp(kind, "foreign_brk") == 0) break_main_arena();
    if (strcmp(kind, "blocked_brk") == 0) block_brk();
    if (strcmp(kind, "filled") == 0) fill();
    if (strcmp(kind, "split") == 0) split();
    if (strcmp(kind, "zend") == 0) {
        fill();
        map_zend_chunk();
    }
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
    int spoiled = strcmp(kind, "grown") == 0 || strcmp(kind, "strange") == 0 || strcmp(kind, "hidden") == 0;
    if (spoiled) spoil_arena(kind);
    SAY("pid=%d ", (int)getpid()); /* The test must walk the child of "forked". */
    if (spoiled || strcmp(kind, "garbage") == 0) SAY("used=0\n");
    else say_truth(1, 0);
    for (char command[32]; read_command(command, sizeof command);) continue;
    return 0;
}
