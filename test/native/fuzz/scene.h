/* A process made up from the bytes of one fuzz input: mappings, sparse contents, holes, and what changes while it is read.
 * It leaves showing it to the walker to chunks_fuzz.c (as struct memory) and fake_kernel.c (as system calls). */
#ifndef TIDEMARK_TEST_SCENE_H
#define TIDEMARK_TEST_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SCENE_MAPPINGS_MAX 24
#define SCENE_HOLES_MAX 48
#define SCENE_EVENTS_MAX 48

/* What must hold whatever the input is. abort() makes libFuzzer and the replay keep the input. */
#define EXPECT(condition)                                                                                                       \
    do {                                                                                                                        \
        if (!(condition)) {                                                                                                     \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                     \
            abort();                                                                                                            \
        }                                                                                                                       \
    } while (0)

/* The fuzzer looks for new ways through the walker, not through what runs most often in here: twice as fast without. */
#ifdef __clang__
#define UNOBSERVED __attribute__((no_sanitize("coverage")))
#else
#define UNOBSERVED
#endif

enum page_state { PAGE_UNMAPPED, PAGE_ABSENT, PAGE_SWAPPED, PAGE_RESIDENT };

enum mapping_kind { MAPPING_ANONYMOUS, MAPPING_HEAP, MAPPING_NAMED, MAPPING_FILE, MAPPING_READ_ONLY, MAPPING_SHARED, MAPPING_KINDS };

struct scene_mapping {
    uint64_t start;
    uint64_t end;
    enum mapping_kind kind;
};

struct scene_hole {
    uint64_t start;
    uint64_t end;
    enum page_state state;
};

enum event_kind {
    EVENT_WRITE,  /* The word at `address` becomes `value`. */
    EVENT_TOGGLE, /* The word at `address` is xored with `value`. */
    EVENT_FAIL,   /* The call fails in the way that `value` chooses. */
    EVENT_RESIZE, /* Mapping `index` grows or shrinks by (int64_t)`value` bytes, to nothing at least. */
    EVENT_DROP,   /* The page at `address` leaves memory. */
    EVENT_EXEC,   /* The process is replaced: another brk start, and the old address space is gone. */
    EVENT_EXIT,
    EVENT_KINDS
};

struct scene_event {
    uint32_t step; /* Happens at this step, or with `every`, at each multiple of it. */
    bool every;
    enum event_kind kind;
    uint32_t index;
    uint64_t address;
    uint64_t value;
};

struct scene {
    uint64_t page_bytes;
    unsigned char options[8]; /* For whoever shows the scene. */
    size_t mapping_count, hole_count, event_count;
    struct scene_mapping mappings[SCENE_MAPPINGS_MAX]; /* In address order, none overlaps another. */
    struct scene_hole holes[SCENE_HOLES_MAX];
    struct scene_event events[SCENE_EVENTS_MAX];
    uint32_t step;
    bool replaced, gone;
    bool fails;           /* The call of this step fails, as fail_choice says. */
    uint64_t fail_choice;
};

/* Any bytes make a scene: 8 of options and then records; README.md of this folder tells the format. Only one at a time. */
void scene_decode(struct scene *scene, const unsigned char *data, size_t size);

/* The next step: lets happen what is due. */
void scene_tick(struct scene *scene);

/* The state of the page at `address`, and in *until where that state may end at the earliest. */
enum page_state scene_page(const struct scene *scene, uint64_t address, uint64_t *until);

/* Contents, zero where nothing was written, whether a page is there or not. */
void scene_copy(uint64_t address, size_t bytes, unsigned char *out);

/* Whether some event changes contents, sizes or residency, or makes a call fail. */
bool scene_changes(const struct scene *scene);

#endif
