/* Turns a result into its line: only what is known, under the column names of schema/columns.ts.
 * It leaves the meaning of the fields to walk.h. */
#include "print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* About 30 fields of at most 45 bytes and two lists of 32 numbers of at most 21: the rest is reserve. */
#define LINE_BYTES_MAX 4096

struct line {
    size_t length;
    char text[LINE_BYTES_MAX];
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, sizeof line->text - line->length, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof line->text - line->length) line->length += (size_t)length;
}

static void append_number(struct line *line, const char *name, uint64_t number) { append(line, " %s=%" PRIu64, name, number); }

static void append_list(struct line *line, const char *name, const uint64_t *numbers) {
    size_t count = SIZE_BIN_COUNT;
    while (count > 0 && numbers[count - 1] == 0) count--;
    append(line, " %s=", name);
    if (count == 0) append(line, "-");
    for (size_t i = 0; i < count; i++) append(line, i == 0 ? "%" PRIu64 : ",%" PRIu64, numbers[i]);
}

static bool write_line(struct line *line) {
    line->text[line->length++] = '\n';
    for (size_t done = 0; done < line->length;) {
        ssize_t put = write(STDOUT_FILENO, line->text + done, line->length - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        done += (size_t)put;
    }
    return true;
}

static void append_parked(struct line *line, const char *bytes_name, const char *count_name, const struct parked *parked) {
    if (!parked->known) return;
    append_number(line, bytes_name, parked->bytes);
    append_number(line, count_name, parked->count);
}

static void append_figures(struct line *line, const struct walk_result *result) {
    const struct heap_totals *totals = &result->totals;
    uint64_t mmapped_bytes = result->mmapped_known ? result->mmapped_bytes : 0;
    append(line, " allocator=glibc");
    append_number(line, "heap_bytes", result->heap_bytes);
    append_number(line, "heap_resident_bytes", totals->resident_bytes);
    append_number(line, "live_bytes", totals->live_bytes + mmapped_bytes);
    append_number(line, "free_bytes", totals->free_bytes + totals->top_bytes);
    append_number(line, "free_resident_bytes", totals->free_resident_bytes);
    append_number(line, "free_chunk_count", totals->free_chunk_count);
    append_number(line, "free_chunk_bytes_max", totals->free_chunk_bytes_max);
    append_number(line, "top_bytes", totals->top_bytes);
    append_number(line, "metadata_bytes", totals->metadata_bytes);
    append_number(line, "whole_free_page_bytes", totals->whole_free_page_bytes);
    append_number(line, "reclaimable_bytes", totals->reclaimable_bytes);
    if (result->mmapped_known) {
        append_number(line, "mmapped_bytes", result->mmapped_bytes);
        append_number(line, "mmapped_count", result->mmapped_count);
    }
    append_parked(line, "tcache_bytes", "tcache_chunk_count", &result->tcache);
    append_parked(line, "fastbin_bytes", "fastbin_chunk_count", &result->fastbins);
    append_number(line, "arena_count", result->arena_count);
    append_number(line, "arena_count_over_1mib", result->arena_count_over_1mib);
    append_number(line, "arena_bytes_max", result->arena_bytes_max);
    append_number(line, "non_main_arena_bytes", result->non_main_arena_bytes);
    append_number(line, "non_main_free_bytes", result->non_main_free_bytes);
    append_list(line, "free_bytes_by_size", totals->free_bytes_by_size);
    append_list(line, "pinned_bytes_by_size", totals->pinned_bytes_by_size);
}

bool print_result(const struct walk_result *result) {
    struct line line = {.length = 0};
    append(&line, "pid=%d status=%s", (int)result->pid, result->reason == WALK_OK ? "ok" : "unknown");
    if (result->reason == WALK_OK) {
        append_figures(&line, result);
    } else {
        append(&line, " reason=%s", walk_reason_word(result->reason));
        if (result->heap_bytes_expected != 0) append_number(&line, "heap_bytes_expected", result->heap_bytes_expected);
    }
    if (result->vma_count_known) append_number(&line, "vma_count", result->vma_count);
    append_number(&line, "walk_cpu_us", result->walk_cpu_us);
    append_number(&line, "walk_us", result->walk_us);
    append_number(&line, "walked_bytes", result->walked_bytes);
    return write_line(&line);
}

bool print_bad_request(void) {
    struct line line = {.length = 0};
    append(&line, "pid=0 status=error reason=bad_request");
    return write_line(&line);
}

bool print_arenas(const struct walk_result *result) {
    bool open = true;
    for (size_t number = 0; result->reason == WALK_OK && number < result->arena_figures_count && open; number++) {
        const struct arena_figures *arena = &result->arena_figures[number];
        const struct heap_totals *totals = &arena->totals;
        struct line line = {.length = 0};
        if (arena->heap_count == 0) continue;
        append(&line, "pid=%d", (int)result->pid);
        append_number(&line, "arena_index", number);
        append_number(&line, "heap_count", arena->heap_count);
        append_number(&line, "heap_bytes", arena->heap_bytes);
        append_number(&line, "live_bytes", totals->live_bytes);
        append_number(&line, "free_bytes", totals->free_bytes + totals->top_bytes);
        append_number(&line, "free_chunk_count", totals->free_chunk_count);
        append_number(&line, "free_chunk_bytes_max", totals->free_chunk_bytes_max);
        append_number(&line, "top_bytes", totals->top_bytes);
        append_number(&line, "metadata_bytes", totals->metadata_bytes);
        append_number(&line, "whole_free_page_bytes", totals->whole_free_page_bytes);
        append_number(&line, "reclaimable_bytes", totals->reclaimable_bytes);
        open = write_line(&line);
    }
    return open;
}
