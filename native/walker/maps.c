/* Streams through /proc/<pid>/maps, whatever its length, and keeps only what can hold a glibc heap.
 * It leaves trusting the contents to those who read them. Source: man 5 proc_pid_maps, fs/proc/task_mmu.c of Linux 6.1. */
#include "maps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "proc_file.h"

/* A line is at most some 80 bytes and a path of 4096, in which the kernel escapes a newline. */
#define READ_BYTES 16384

struct mapping {
    struct range range;
    bool writable_private;
    bool private_anonymous;
    bool anonymous;
    bool file;
    bool libc;
    bool heap;
};

typedef bool visit_mapping(const struct mapping *mapping, void *context); /* False ends the reading. */

/* A name that glibc gives its mappings with glibc.mem.decorate_maps (since 2.39) begins so; prctl(2), PR_SET_VMA. */
static bool is_anonymous_name(const char *name) { return *name == '\0' || strncmp(name, "[anon:", 6) == 0; }

/* The file is libc.so.6 since 2.34 and libc-2.31.so before; " (deleted)" follows after an upgrade. */
static bool is_libc_path(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL && (strncmp(slash, "/libc.so.6", 10) == 0 || strncmp(slash, "/libc-2.", 8) == 0);
}

static bool parse_line(const char *line, struct mapping *mapping) {
    uint64_t offset, inode;
    const char *at = parse_hex(line, &mapping->range.start);
    if (at == NULL || *at != '-') return false;
    at = parse_hex(at + 1, &mapping->range.end);
    if (at == NULL || *at != ' ' || strnlen(at, 6) < 6 || at[5] != ' ') return false;
    bool private = at[4] == 'p';
    mapping->writable_private = at[1] == 'r' && at[2] == 'w' && private;
    at = parse_hex(at + 6, &offset);
    if (at == NULL || *at != ' ') return false;
    at = strchr(at + 1, ' '); /* Behind the device, whose form does not matter here. */
    if (at == NULL) return false;
    at = parse_decimal(at + 1, &inode);
    if (at == NULL) return false;
    at += strspn(at, " ");
    mapping->anonymous = inode == 0 && is_anonymous_name(at);
    mapping->private_anonymous = mapping->anonymous && private;
    mapping->file = inode != 0;
    mapping->libc = mapping->file && is_libc_path(at);
    mapping->heap = inode == 0 && strcmp(at, "[heap]") == 0;
    return mapping->range.start < mapping->range.end;
}

static enum walk_reason stream_maps(pid_t pid, const struct deadline *deadline, visit_mapping *visit, void *context) {
    char buffer[READ_BYTES + 1];
    size_t kept = 0;
    bool skipping = false; /* Within a line that is longer than the buffer: a path, so nothing for us but its start. */
    int file = proc_file_open(pid, "maps");
    if (file < 0) return errno == EACCES || errno == EPERM ? WALK_DENIED : WALK_GONE;
    enum walk_reason reason = WALK_OK;
    for (bool more = true; more;) {
        ssize_t got = read(file, buffer + kept, READ_BYTES - kept);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) reason = errno == EACCES || errno == EPERM ? WALK_DENIED : WALK_GONE;
        if (got <= 0) break;
        if (deadline != NULL && deadline_passed(deadline)) reason = WALK_BUDGET;
        if (reason != WALK_OK) break;
        size_t length = kept + (size_t)got;
        buffer[length] = '\0';
        char *line = buffer;
        for (char *end; more && (end = memchr(line, '\n', length - (size_t)(line - buffer))) != NULL; line = end + 1) {
            struct mapping mapping;
            *end = '\0';
            if (!skipping && parse_line(line, &mapping)) more = visit(&mapping, context);
            skipping = false;
        }
        kept = length - (size_t)(line - buffer);
        memmove(buffer, line, kept);
        if (kept == READ_BYTES) {
            kept = 0;
            skipping = true;
        }
    }
    close(file);
    return reason;
}

struct reading {
    struct maps *maps;
    struct range open; /* Adjacent writable anonymous mappings seen so far, [heap] included. */
    bool too_many;
};

static void close_open_range(struct reading *reading) {
    struct maps *maps = reading->maps;
    uint64_t boundary = (reading->open.start + ARENA_HEAP_BYTES_MAX - 1) & ~(ARENA_HEAP_BYTES_MAX - 1);
    if (reading->open.start < reading->open.end && boundary < reading->open.end) {
        if (maps->arena_range_count == ARENA_RANGE_MAX) {
            reading->too_many = true;
        } else {
            maps->arena_ranges[maps->arena_range_count++] = (struct range){boundary, reading->open.end};
        }
    }
    reading->open = (struct range){0, 0};
}

static void take_data(struct maps *maps, const struct mapping *mapping) {
    if (mapping->libc && !maps->data_is_libc) {
        maps->data_is_libc = true;
        maps->data_count = 0;
    }
    if (mapping->libc == maps->data_is_libc && maps->data_count < DATA_RANGE_MAX) maps->data[maps->data_count++] = mapping->range;
}

static bool take_mapping(const struct mapping *mapping, void *context) {
    struct reading *reading = context;
    struct maps *maps = reading->maps;
    maps->vma_count++;
    if (mapping->heap) {
        /* fork and mprotect split [heap]; it is one heap to malloc. A hole in it shows in the walk as absent pages. */
        if (maps->heap.end == 0) maps->heap.start = mapping->range.start;
        maps->heap.end = mapping->range.end;
        return true;
    }
    if (mapping->private_anonymous) maps->private_anonymous_bytes += mapping->range.end - mapping->range.start;
    if (mapping->writable_private && mapping->file) take_data(maps, mapping);
    if (!mapping->writable_private || !mapping->anonymous) return true;
    if (maps->anonymous_count == ANONYMOUS_RANGE_MAX) {
        maps->anonymous_complete = false;
    } else {
        maps->anonymous[maps->anonymous_count++] = mapping->range;
    }
    if (reading->open.end != mapping->range.start) {
        close_open_range(reading);
        reading->open.start = mapping->range.start;
    }
    reading->open.end = mapping->range.end;
    return true;
}

enum walk_reason maps_read(pid_t pid, struct maps *maps) {
    struct reading reading = {.maps = maps};
    maps->vma_count = 0;
    maps->heap = (struct range){0, 0};
    maps->arena_range_count = 0;
    maps->anonymous_count = 0;
    maps->anonymous_complete = true;
    maps->private_anonymous_bytes = 0;
    maps->data_is_libc = false;
    maps->data_count = 0;
    enum walk_reason reason = stream_maps(pid, maps->deadline, take_mapping, &reading);
    close_open_range(&reading);
    return reason == WALK_OK && reading.too_many ? WALK_TOO_MANY_MAPS : reason;
}

static bool take_heap_end(const struct mapping *mapping, void *context) {
    uint64_t *end = context;
    if (mapping->heap) *end = mapping->range.end;
    return mapping->heap || *end == 0;
}

uint64_t maps_heap_end(pid_t pid) {
    uint64_t end = 0;
    return stream_maps(pid, NULL, take_heap_end, &end) == WALK_OK ? end : 0;
}
