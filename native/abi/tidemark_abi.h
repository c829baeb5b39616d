/* The files in which libraries that we preload leave what they know: one file a process (failures: one a family of forked
 * processes), mapped shared, read by the collector.
 * It leaves filling them to shim/ and failures/, and reading them to collector/heap/ring.ts, which knows these offsets. */
#ifndef TIDEMARK_ABI_H
#define TIDEMARK_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Files are named <pid>-<start>.ring or .failures in this folder, pid as its maker sees it and start in hexadecimal
 * nanoseconds since 1970, so that no two of one host meet. The folder has mode 1733, as a letter box: whoever runs a
 * program may put a file in, nobody but its owner may list them. TIDEMARK_RING_FOLDER names another one. */
#define TIDEMARK_RING_FOLDER_DEFAULT "/run/tidemark/rings"

#define TIDEMARK_ABI_MAGIC "TIDEMARK"
#define TIDEMARK_ABI_VERSION 1
#define TIDEMARK_HEADER_BYTES 4096
#define TIDEMARK_RECORD_BYTES 1024
#define TIDEMARK_RECORD_COUNT 16
#define TIDEMARK_RING_FILE_BYTES (TIDEMARK_HEADER_BYTES + TIDEMARK_RECORD_COUNT * TIDEMARK_RECORD_BYTES)
#define TIDEMARK_FAILURES_FILE_BYTES 4096

#define TIDEMARK_SIZE_BIN_COUNT 32
/* Stands for a figure that the allocator does not tell. */
#define TIDEMARK_ABSENT UINT64_MAX

enum tidemark_file_kind { TIDEMARK_KIND_RING = 1, TIDEMARK_KIND_FAILURES = 2 };

enum tidemark_allocator {
    TIDEMARK_ALLOCATOR_UNKNOWN = 0,
    TIDEMARK_ALLOCATOR_GLIBC = 1,
    TIDEMARK_ALLOCATOR_JEMALLOC = 2,
    TIDEMARK_ALLOCATOR_TCMALLOC = 3,
    TIDEMARK_ALLOCATOR_MIMALLOC = 4
};

/* A request of the collector. Everything is written before request_number, which is the bell. */
struct tidemark_request {
    uint64_t request_number; /* 0 while there was none; the next one is one more. */
    uint32_t action;         /* enum tidemark_action. */
    uint32_t reserved;
    uint64_t bytes_asked;    /* What the requester expects to come back; copied into the answer. */
    uint64_t not_after_ms;   /* Milliseconds since 1970: when no quiet moment came until then, nothing is done. */
};

enum tidemark_action { TIDEMARK_ACTION_RELIEF = 1, TIDEMARK_ACTION_PROFILE = 2 };

/* The answer to the request of that number, guarded by its own sequence lock. */
struct tidemark_answer {
    uint32_t sequence_lock; /* Odd while it is written. */
    uint32_t outcome;       /* enum tidemark_outcome. */
    uint64_t request_number;
    uint64_t bytes_asked;
    uint64_t resident_bytes_before; /* Of the process: statm. */
    uint64_t resident_bytes_after;
    uint64_t bytes_returned; /* Before less after, 0 when it grew. */
    uint64_t duration_us;
    uint64_t cpu_us;
    uint64_t answered_ms;
};

enum tidemark_outcome {
    TIDEMARK_OUTCOME_NONE = 0,
    TIDEMARK_OUTCOME_DONE = 1,
    TIDEMARK_OUTCOME_NOT_ALLOWED = 2,  /* The process was not started with TIDEMARK_RELIEF=1, or TIDEMARK_PROFILE=1. */
    TIDEMARK_OUTCOME_RATE_LIMITED = 3, /* The last one is too short a time ago. */
    TIDEMARK_OUTCOME_NEVER_QUIET = 4,  /* not_after_ms passed while the process was busy. */
    TIDEMARK_OUTCOME_UNSUPPORTED = 5,  /* No such action, or the allocator offers nothing. */
    TIDEMARK_OUTCOME_PROFILING_OFF = 6, /* The allocator keeps no samples: it was not started with its own option for that. */
    TIDEMARK_OUTCOME_FAILED = 7
};

/* The first bytes of every file. */
struct tidemark_header {
    char magic[8];
    uint32_t abi_version;
    uint32_t kind;
    uint32_t file_bytes;
    uint32_t header_bytes;
    uint32_t record_bytes;
    uint32_t record_count;
    uint32_t pid; /* Of the process that made the file, in its pid namespace. */
    uint32_t allocator;
    uint64_t started_ns;  /* Since 1970. */
    uint64_t interval_ms; /* Between records when all is well; longer when the allocator's own statistics are slow. */
    uint32_t relief_allowed;
    uint32_t profile_allowed; /* 0 as well where the shim knows no profiles. */
    char allocator_version[64]; /* NUL-terminated, empty when unknown. */
    char tunables[1024];        /* "name=value name=value", NUL-terminated: what the allocator says is in effect. */
};

/* One measurement. The newest is the one with the highest number. */
struct tidemark_record {
    uint32_t sequence_lock; /* Odd while it is written; 0 when it never was. */
    uint32_t reserved;
    uint64_t number;     /* From 1 on; record n lies in slot (n - 1) % record_count. */
    uint64_t sampled_ms; /* Since 1970. */
    uint64_t probe_cpu_us;
    /* The figures, under the names of schema/columns.ts. */
    uint64_t heap_bytes;
    uint64_t heap_resident_bytes;
    uint64_t live_bytes;
    uint64_t active_bytes;
    uint64_t free_bytes;
    uint64_t free_chunk_bytes_max;
    uint64_t reclaimable_bytes;
    uint64_t dirty_bytes;
    uint64_t muzzy_bytes;
    uint64_t retained_bytes;
    uint64_t metadata_bytes;
    uint64_t cache_bytes;
    uint64_t bin_waste_bytes;
    uint64_t arena_count;
    uint64_t free_bytes_by_size[TIDEMARK_SIZE_BIN_COUNT];   /* All absent when the first one is. */
    uint64_t pinned_bytes_by_size[TIDEMARK_SIZE_BIN_COUNT]; /* The same. */
};

#define TIDEMARK_REQUEST_OFFSET 2048
#define TIDEMARK_ANSWER_OFFSET 2304

/* Behind the header of a failures file. It belongs to a family: the process that made it when its program started, and all
 * that were forked from it and have not executed a program since. All map it and add to it; any of them can write all of
 * it. Counters only grow; each is one 64-bit word, so that no lock is needed. The words about the last failure may come
 * from two failures at once. */
#define TIDEMARK_FAILURES_OFFSET 2048
struct tidemark_failures {
    uint64_t failure_count;
    uint64_t failed_at_ms; /* The last one, since 1970; 0 when there was none, or without a vDSO clock. */
    uint64_t failed_bytes; /* Size of the last request that failed. */
    uint64_t failed_errno;
    uint64_t count_by_size[TIDEMARK_SIZE_BIN_COUNT]; /* Bin i: requests of 2^(i+4) to 2^(i+5)-1 bytes; the first holds smaller ones too. */
};

_Static_assert(sizeof(struct tidemark_header) == 1152, "collector/heap/ring.ts reads these offsets");
_Static_assert(sizeof(struct tidemark_header) <= TIDEMARK_REQUEST_OFFSET, "the request lies behind the header");
_Static_assert(TIDEMARK_REQUEST_OFFSET + sizeof(struct tidemark_request) <= TIDEMARK_ANSWER_OFFSET, "and the answer behind it");
_Static_assert(TIDEMARK_ANSWER_OFFSET + sizeof(struct tidemark_answer) <= TIDEMARK_HEADER_BYTES, "within the first page");
_Static_assert(offsetof(struct tidemark_record, heap_bytes) == 32, "collector/heap/ring.ts reads these offsets");
_Static_assert(sizeof(struct tidemark_record) == 656 && sizeof(struct tidemark_record) <= TIDEMARK_RECORD_BYTES, "a record fits its slot");
_Static_assert(TIDEMARK_FAILURES_OFFSET + sizeof(struct tidemark_failures) <= TIDEMARK_FAILURES_FILE_BYTES, "counters fit the file");

#endif
