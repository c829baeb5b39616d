/* Answers the walker's system calls as Linux does for a process like the scene, and checks that they do no harm.
 * It leaves calls that the walker does not make undefined. Source: fs/proc/task_mmu.c, mm/process_vm_access.c of Linux 6.1. */
#include "fake_names.h"

#include "fake_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILE_COUNT 8
#define FIRST_FILE 100
#define TEXT_BYTES_MAX 8192
#define ADDRESS_END (UINT64_C(1) << 47)
#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
/* What the walker reads at once; longer, and the target's mmap would wait too long. */
#define READ_BYTES_MAX 65536u
/* Far beyond what any budget of process_fuzz.c allows: to get here is to loop. */
#define CALLS_MAX 4000000u

enum file_kind { FILE_CLOSED, FILE_MAPS, FILE_STAT, FILE_STATUS, FILE_PAGEMAP };

struct fake_file {
    enum file_kind kind;
    bool of_replaced; /* Opened after the exec, so it shows the new address space. */
    size_t offset;
    struct text text;
    char made[TEXT_BYTES_MAX];
};

struct fake_kernel fake_kernel;
static struct fake_file files[FILE_COUNT];
static size_t input_offset;
static uint64_t now_ns;
static unsigned calls;
static bool interrupted;
static bool residency_is_fixed;

UNOBSERVED static void let_time_pass(void) {
    now_ns += fake_kernel.tick_ns;
    EXPECT(++calls < CALLS_MAX);
}

/* Lets a call begin; false with errno when the scene lets it fail. */
static bool begin_call(void) {
    static const int errors[] = {EINTR, ESRCH, EPERM, EACCES, EFAULT, ENOENT, EMFILE, EIO, ENOMEM};
    let_time_pass();
    scene_tick(fake_kernel.scene);
    if (!fake_kernel.scene->fails) {
        interrupted = false;
        return true;
    }
    errno = errors[fake_kernel.scene->fail_choice % (sizeof errors / sizeof errors[0])];
    /* A signal interrupts a call now and then, but not for ever. */
    interrupted = errno == EINTR && !interrupted;
    return errno == EINTR && !interrupted;
}

void fake_kernel_start(void) {
    memset(files, 0, sizeof files);
    now_ns = 1000000000;
    calls = 0;
    input_offset = 0;
    interrupted = false;
    residency_is_fixed = true;
    for (size_t i = 0; i < fake_kernel.scene->event_count; i++) {
        enum event_kind kind = fake_kernel.scene->events[i].kind;
        if (kind == EVENT_DROP || kind == EVENT_RESIZE) residency_is_fixed = false;
    }
    fake_kernel.output_bytes = 0;
    fake_kernel.alarm_seconds = 0;
}

void fake_kernel_end(void) {
    for (size_t i = 0; i < FILE_COUNT; i++) EXPECT(files[i].kind == FILE_CLOSED);
    EXPECT(fake_kernel.alarm_seconds == 0);
    if (getenv("TIDEMARK_FUZZ_SHOW") != NULL) fwrite(fake_kernel.output, 1, fake_kernel.output_bytes, stdout);
}

UNOBSERVED size_t fake_kernel_lines(void) {
    size_t lines = 0;
    EXPECT(fake_kernel.output_bytes == 0 || fake_kernel.output[fake_kernel.output_bytes - 1] == '\n');
    for (size_t i = 0; i < fake_kernel.output_bytes; i++) {
        EXPECT(fake_kernel.output[i] == '\n' || (fake_kernel.output[i] >= ' ' && fake_kernel.output[i] <= '~'));
        lines += fake_kernel.output[i] == '\n';
    }
    return lines;
}

UNOBSERVED static size_t make_maps(const struct scene *scene, char *text) {
    static const char *const tails[MAPPING_KINDS] = {
        [MAPPING_ANONYMOUS] = "rw-p 00000000 00:00 0 ",
        [MAPPING_HEAP] = "rw-p 00000000 00:00 0                          [heap]",
        [MAPPING_NAMED] = "rw-p 00000000 00:00 0                          [anon: glibc: malloc arena]",
        [MAPPING_FILE] = "rw-p 001d8000 08:01 1234567                    /usr/lib/a b/libc.so.6 (deleted)",
        [MAPPING_READ_ONLY] = "r--p 00000000 00:00 0 ",
        [MAPPING_SHARED] = "rw-s 00000000 00:01 77                         /dev/zero (deleted)",
    };
    size_t length = 0;
    for (size_t i = 0; i < scene->mapping_count; i++) {
        const struct scene_mapping *mapping = &scene->mappings[i];
        if (mapping->start == mapping->end) continue;
        length += (size_t)snprintf(text + length, TEXT_BYTES_MAX - length, "%llx-%llx %s\n", (unsigned long long)mapping->start,
            (unsigned long long)mapping->end, tails[mapping->kind]);
    }
    return length;
}

UNOBSERVED static size_t make_stat(const struct scene *scene, char *text) {
    uint64_t start_brk = 0;
    for (size_t i = scene->mapping_count; i > 0; i--) {
        if (scene->mappings[i - 1].kind == MAPPING_HEAP) start_brk = scene->mappings[i - 1].start;
    }
    size_t length = (size_t)snprintf(text, TEXT_BYTES_MAX, "%d (a ) b) S 1", FAKE_PID);
    for (unsigned field = 5; field <= 52; field++) {
        uint64_t value = field == 22 ? 777 : field == 47 ? start_brk + (scene->replaced ? 4096 : 0) : 0;
        length += (size_t)snprintf(text + length, TEXT_BYTES_MAX - length, " %llu", (unsigned long long)value);
    }
    text[length++] = '\n';
    return length;
}

static size_t make_status(const struct scene *scene, char *text) {
    unsigned swapped_kib = 0;
    for (size_t i = 0; i < scene->hole_count; i++) swapped_kib += scene->holes[i].state == PAGE_SWAPPED ? 4 : 0;
    return (size_t)snprintf(text, TEXT_BYTES_MAX, "Name:\ta\nVmRSS:\t 12 kB\nVmSwap:\t%8u kB\nThreads:\t1\n", swapped_kib);
}

static size_t make_text(enum file_kind kind, const struct scene *scene, char *text) {
    if (kind == FILE_MAPS) return make_maps(scene, text);
    return kind == FILE_STAT ? make_stat(scene, text) : make_status(scene, text);
}

int open(const char *path, int flags, ...) {
    struct fake_file *file = files;
    EXPECT((flags & O_ACCMODE) == O_RDONLY && (flags & O_CLOEXEC) != 0);
    if (!begin_call()) return -1;
    while (file < files + FILE_COUNT && file->kind != FILE_CLOSED) file++;
    EXPECT(file < files + FILE_COUNT);
    *file = (struct fake_file){.of_replaced = fake_kernel.scene->replaced};
    errno = ENOENT;
    if (fake_kernel.scene->gone) return -1;
    if (strcmp(path, "/proc/4242/maps") == 0) file->kind = FILE_MAPS;
    if (strcmp(path, "/proc/4242/stat") == 0) file->kind = FILE_STAT;
    if (strcmp(path, "/proc/4242/status") == 0) file->kind = FILE_STATUS;
    if (strcmp(path, "/proc/4242/pagemap") == 0) {
        errno = EACCES;
        if (!fake_kernel.pagemap_denied) file->kind = FILE_PAGEMAP;
    }
    if (file->kind == FILE_CLOSED) return -1;
    if (file->kind == FILE_MAPS) file->text = fake_kernel.maps;
    if (file->kind == FILE_STAT) file->text = fake_kernel.stat;
    if (file->text.bytes == NULL && file->kind != FILE_PAGEMAP) {
        file->text.bytes = (const unsigned char *)file->made;
        file->text.size = make_text(file->kind, fake_kernel.scene, file->made);
    }
    return FIRST_FILE + (int)(file - files);
}

static struct fake_file *file_of(int number) {
    EXPECT(number >= FIRST_FILE && number < FIRST_FILE + FILE_COUNT && files[number - FIRST_FILE].kind != FILE_CLOSED);
    return &files[number - FIRST_FILE];
}

static bool has_ended(const struct fake_file *file) {
    return fake_kernel.scene->gone || fake_kernel.scene->replaced != file->of_replaced;
}

int close(int number) {
    file_of(number)->kind = FILE_CLOSED;
    errno = EIO; /* Whoever looks at errno after close has a bug. */
    return 0;
}

static ssize_t read_text(const struct text *text, size_t *offset, void *buffer, size_t size) {
    size_t got = text->size - *offset < size ? text->size - *offset : size;
    if (fake_kernel.read_bytes_max != 0 && got > fake_kernel.read_bytes_max) got = fake_kernel.read_bytes_max;
    if (got > 0) memcpy(buffer, text->bytes + *offset, got);
    *offset += got;
    return (ssize_t)got;
}

ssize_t read(int number, void *buffer, size_t size) {
    if (number == STDIN_FILENO) {
        let_time_pass();
        return read_text(&fake_kernel.input, &input_offset, buffer, size);
    }
    struct fake_file *file = file_of(number);
    EXPECT(file->kind == FILE_MAPS || file->kind == FILE_STAT || file->kind == FILE_STATUS);
    if (!begin_call()) return -1;
    if (file->kind == FILE_STAT && fake_kernel.scene->gone) {
        errno = ESRCH;
        return -1;
    }
    if (has_ended(file)) return 0;
    return read_text(&file->text, &file->offset, buffer, size);
}

UNOBSERVED ssize_t pread(int number, void *buffer, size_t size, off_t offset) {
    const struct scene *scene = fake_kernel.scene;
    uint64_t address = (uint64_t)offset / 8 * scene->page_bytes;
    uint64_t until = 0;
    uint64_t entry = 0;
    struct fake_file *file = file_of(number);
    EXPECT(file->kind == FILE_PAGEMAP && offset >= 0 && offset % 8 == 0 && size % 8 == 0);
    if (!begin_call()) return -1;
    if (has_ended(file)) return 0;
    size_t at = 0;
    for (; at < size && address < ADDRESS_END; at += 8, address += scene->page_bytes) {
        if (address >= until) {
            enum page_state state = scene_page(scene, address, &until);
            entry = state == PAGE_RESIDENT ? PRESENT | 12345 : state == PAGE_SWAPPED ? SWAPPED | 99 : 0;
        }
        memcpy((char *)buffer + at, &entry, sizeof entry);
    }
    return (ssize_t)at;
}

/* Copies page by page until one is not mapped. To read a page that is not resident would bring it into memory: harm. */
UNOBSERVED static size_t copy_pages(uint64_t address, unsigned char *out, size_t bytes) {
    const struct scene *scene = fake_kernel.scene;
    size_t copied = 0;
    while (copied < bytes) {
        uint64_t until;
        uint64_t at = address + copied;
        size_t here = scene->page_bytes - at % scene->page_bytes;
        if (here > bytes - copied) here = bytes - copied;
        enum page_state state = at < ADDRESS_END ? scene_page(scene, at, &until) : PAGE_UNMAPPED;
        EXPECT(state == PAGE_RESIDENT || !residency_is_fixed || scene->replaced);
        if (state == PAGE_UNMAPPED) break;
        scene_copy(at, here, out + copied);
        copied += here;
    }
    return copied;
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_count, const struct iovec *remote,
                         unsigned long remote_count, unsigned long flags) {
    size_t total = 0;
    EXPECT(pid == FAKE_PID && flags == 0 && local_count == remote_count && local_count > 0 && local_count <= 1024);
    if (!begin_call()) return -1;
    errno = ESRCH;
    if (fake_kernel.scene->gone) return -1;
    for (unsigned long i = 0; i < remote_count; i++) {
        EXPECT(local[i].iov_len == remote[i].iov_len && local[i].iov_len > 0);
        size_t copied = copy_pages((uint64_t)(uintptr_t)remote[i].iov_base, local[i].iov_base, local[i].iov_len);
        total += copied;
        if (copied < remote[i].iov_len) break;
    }
    EXPECT(total <= READ_BYTES_MAX);
    errno = EFAULT;
    return total == 0 ? -1 : (ssize_t)total;
}

/* Only move_pages(2) in its harmless form: with no place to move to, it tells where each page is. */
long syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    int pid = va_arg(arguments, int);
    size_t count = va_arg(arguments, size_t);
    const void *const *pages = va_arg(arguments, const void *const *);
    const int *places = va_arg(arguments, const int *);
    int *states = va_arg(arguments, int *);
    int flags = va_arg(arguments, int);
    va_end(arguments);
    EXPECT(number == SYS_move_pages && pid == FAKE_PID && places == NULL && flags == 0);
    if (!begin_call()) return -1;
    errno = ESRCH;
    if (fake_kernel.scene->gone) return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t until;
        states[i] = scene_page(fake_kernel.scene, (uint64_t)(uintptr_t)pages[i], &until) == PAGE_RESIDENT ? 0 : -ENOENT;
    }
    return 0;
}

ssize_t write(int number, const void *bytes, size_t size) {
    EXPECT(number == STDOUT_FILENO && size <= FAKE_OUTPUT_BYTES_MAX - fake_kernel.output_bytes);
    let_time_pass();
    memcpy(fake_kernel.output + fake_kernel.output_bytes, bytes, size);
    fake_kernel.output_bytes += size;
    return (ssize_t)size;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    let_time_pass();
    *now = (struct timespec){.tv_sec = (time_t)(now_ns / 1000000000), .tv_nsec = (long)(now_ns % 1000000000)};
    return 0;
}

int nanosleep(const struct timespec *pause, struct timespec *left) {
    (void)left;
    now_ns += (uint64_t)pause->tv_sec * 1000000000 + (uint64_t)pause->tv_nsec;
    scene_tick(fake_kernel.scene);
    return 0;
}

long sysconf(int name) {
    EXPECT(name == _SC_PAGESIZE);
    return (long)fake_kernel.scene->page_bytes;
}

unsigned alarm(unsigned seconds) {
    EXPECT(seconds == 0 || fake_kernel.alarm_seconds == 0);
    fake_kernel.alarm_seconds = seconds;
    return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    (void)set;
    EXPECT(how == SIG_UNBLOCK && old == NULL);
    return 0;
}

void (*signal(int number, void (*handler)(int)))(int) {
    EXPECT(number == SIGALRM && handler == SIG_DFL);
    return SIG_DFL;
}
