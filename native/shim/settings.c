/* Reads the shim's own variables and those that set an allocator. A value that makes no sense leaves the default.
 * It leaves what glibc, jemalloc and others make of their variables to themselves. */
#include "settings.h"

#include <stddef.h>

#include "../abi/tidemark_abi.h"
#include "../preload/text.h"

#define INTERVAL_MS_DEFAULT 10000
/* Oftener says nothing new about memory; a record an hour is the least that a day's trend needs. */
#define INTERVAL_MS_MIN 100
#define INTERVAL_MS_MAX 3600000

/* A trim of a large heap locks its arenas for up to a second: 5 minutes make that 0.3 %. */
#define RELIEF_PAUSE_S_DEFAULT 300
#define RELIEF_PAUSE_S_MIN 10
#define RELIEF_PAUSE_S_MAX (UINT64_C(7) * 24 * 3600)

struct settings settings;

static uint64_t number_between(const char *value, uint64_t least, uint64_t most, uint64_t otherwise) {
    uint64_t number = 0;
    if (!text_to_number(value, &number)) return otherwise;
    return number < least ? least : number > most ? most : number;
}

static void read_folder(const char *value) {
    struct text text = text_in(settings.folder_bytes, sizeof settings.folder_bytes);
    text_add(&text, value);
    if (value[0] == '/' && !text.full) settings.folder = settings.folder_bytes;
}

static void read_variable(const char *variable) {
    const char *rest = text_behind(variable, "TIDEMARK_");
    const char *value = NULL;
    if (!rest) return;
    if ((value = text_behind(rest, "SHIM="))) {
        settings.is_off = text_equal(value, "0");
        settings.is_filter_known = text_equal(value, "1");
    } else if ((value = text_behind(rest, "RELIEF="))) {
        settings.is_relief_allowed = text_equal(value, "1");
    } else if ((value = text_behind(rest, "PROFILE="))) {
        settings.is_profile_allowed = text_equal(value, "1");
    } else if ((value = text_behind(rest, "RING_FOLDER="))) {
        read_folder(value);
    } else if ((value = text_behind(rest, "INTERVAL_MS="))) {
        settings.interval_ms = number_between(value, INTERVAL_MS_MIN, INTERVAL_MS_MAX, INTERVAL_MS_DEFAULT);
    } else if ((value = text_behind(rest, "RELIEF_INTERVAL_S="))) {
        uint64_t seconds = number_between(value, RELIEF_PAUSE_S_MIN, RELIEF_PAUSE_S_MAX, RELIEF_PAUSE_S_DEFAULT);
        settings.relief_pause_ms = seconds * 1000;
    }
}

void settings_read(char **environment) {
    settings.interval_ms = INTERVAL_MS_DEFAULT;
    settings.relief_pause_ms = RELIEF_PAUSE_S_DEFAULT * 1000;
    settings.folder = TIDEMARK_RING_FOLDER_DEFAULT;
    for (; *environment; environment++) read_variable(*environment);
}

/* The text is split at spaces again: a value with one, or with something unprintable, is left out. */
static bool is_plain(const char *text) {
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~') return false;
    }
    return true;
}

/* Beginnings of names. What jemalloc is set to, jemalloc says itself. */
static const char *const tunables[] = {
    "GLIBC_TUNABLES=", "MALLOC_ARENA_", "MALLOC_TRIM_THRESHOLD_=", "MALLOC_MMAP_", "MALLOC_TOP_PAD_=", "TCMALLOC_", "MIMALLOC_",
};

static bool sets_an_allocator(const char *variable) {
    for (size_t i = 0; i < sizeof tunables / sizeof tunables[0]; i++) {
        if (text_behind(variable, tunables[i])) return true;
    }
    return false;
}

void settings_read_tunables(char **environment) {
    struct text text = text_in(settings.tunables, sizeof settings.tunables);
    for (; *environment; environment++) {
        if (!sets_an_allocator(*environment) || !is_plain(*environment)) continue;
        if (text.length) text_add(&text, " ");
        text_add(&text, *environment);
    }
}
