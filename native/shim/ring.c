/* Writes header, records and answers so that a reader sees each of them whole or not at all.
 * It leaves making the file to ../preload/letter.c. */
#include "ring.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "../preload/text.h"
#include "kernel.h"
#include "settings.h"

static struct letter letter;
static uint64_t started_ns;
static uint64_t record_number;

static struct tidemark_header *header(void) { return letter.mapping; }

static void *at(size_t offset) { return (char *)letter.mapping + offset; }

int ring_open_folder(void) { return system_open_at(AT_FDCWD, settings.folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0); }

bool ring_create(int folder) {
    started_ns = clock_now_ns(CLOCK_REALTIME);
    record_number = 0;
    letter = letter_create(folder, ".ring", TIDEMARK_RING_FILE_BYTES, started_ns);
    if (!letter.mapping) return false;
    if (SYSTEM_CALL_3(SYS_madvise, letter.mapping, TIDEMARK_RING_FILE_BYTES, MADV_DONTFORK) == 0) return true;
    ring_discard();
    return false;
}

void ring_discard(void) {
    char path[sizeof settings.folder_bytes + sizeof letter.name];
    struct text text = text_in(path, sizeof path);
    text_add(&text, settings.folder);
    text_add(&text, "/");
    text_add(&text, letter.name);
    (void)SYSTEM_CALL_3(SYS_unlinkat, AT_FDCWD, path, 0);
    (void)SYSTEM_CALL_2(SYS_munmap, letter.mapping, TIDEMARK_RING_FILE_BYTES);
    letter.mapping = NULL;
}

void ring_forget(void) { letter.mapping = NULL; }

void ring_introduce(const struct allocator *allocator) {
    struct tidemark_header *to = header();
    to->abi_version = TIDEMARK_ABI_VERSION;
    to->kind = TIDEMARK_KIND_RING;
    to->file_bytes = TIDEMARK_RING_FILE_BYTES;
    to->header_bytes = TIDEMARK_HEADER_BYTES;
    to->record_bytes = TIDEMARK_RECORD_BYTES;
    to->record_count = TIDEMARK_RECORD_COUNT;
    to->pid = (uint32_t)SYSTEM_CALL_1(SYS_getpid, 0);
    to->allocator = (uint32_t)allocator->kind;
    to->started_ns = started_ns;
    to->interval_ms = settings.interval_ms;
    to->relief_allowed = settings.is_relief_allowed;
    to->profile_allowed = settings.is_profile_allowed;
    struct text tunables = text_in(to->tunables, sizeof to->tunables);
    text_add(&tunables, settings.tunables);
    allocator->describe(to);
    uint64_t magic;
    __builtin_memcpy(&magic, TIDEMARK_ABI_MAGIC, sizeof magic);
    __atomic_store_n((uint64_t *)(void *)to->magic, magic, __ATOMIC_RELEASE);
}

void ring_set_interval(uint64_t interval_ms) { __atomic_store_n(&header()->interval_ms, interval_ms, __ATOMIC_RELAXED); }

void ring_clear(struct tidemark_record *record) {
    uint64_t *words = (uint64_t *)(void *)record;
    for (size_t i = 0; i < sizeof *record / sizeof *words; i++) words[i] = TIDEMARK_ABSENT;
}

/* A sequence lock: the count is odd during a write, and who sees it odd, or changed, reads again. As in Linux,
 * include/linux/seqlock.h. */
static void begin_write(uint32_t *lock) {
    __atomic_store_n(lock, *lock + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end_write(uint32_t *lock) { __atomic_store_n(lock, *lock + 1, __ATOMIC_RELEASE); }

static void copy_words(uint64_t *to, const uint64_t *from, size_t bytes) {
    for (size_t i = 0; i < bytes / sizeof *to; i++) __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

void ring_write(const struct tidemark_record *record) {
    size_t slot = record_number++ % TIDEMARK_RECORD_COUNT;
    struct tidemark_record *to = at(TIDEMARK_HEADER_BYTES + slot * TIDEMARK_RECORD_BYTES);
    begin_write(&to->sequence_lock);
    __atomic_store_n(&to->number, record_number, __ATOMIC_RELAXED);
    copy_words(&to->sampled_ms, &record->sampled_ms, sizeof *record - offsetof(struct tidemark_record, sampled_ms));
    end_write(&to->sequence_lock);
}

const struct tidemark_request *ring_request(void) { return at(TIDEMARK_REQUEST_OFFSET); }

void ring_answer(const struct tidemark_answer *answer) {
    struct tidemark_answer *to = at(TIDEMARK_ANSWER_OFFSET);
    size_t bytes = sizeof *answer - offsetof(struct tidemark_answer, request_number);
    begin_write(&to->sequence_lock);
    __atomic_store_n(&to->outcome, answer->outcome, __ATOMIC_RELAXED);
    copy_words(&to->request_number, &answer->request_number, bytes);
    end_write(&to->sequence_lock);
}
