/* The options of jemalloc in effect, as text: opt.* is what remained of MALLOC_CONF, malloc_conf and the build's own defaults.
 * It leaves figures to jemalloc.c. Each name exists in some versions of 4.0 to 5.3 only; one that does not is left out. */
#include "../preload/text.h"
#include "jemalloc.h"

enum type { TYPE_BOOL, TYPE_UNSIGNED, TYPE_SIZE, TYPE_SIGNED, TYPE_TEXT };

static const struct {
    const char *name;
    enum type type;
} options[] = {
    {"background_thread", TYPE_BOOL}, /* Now, not at start: a program may switch it, and fork switches it off. */
    {"max_background_threads", TYPE_SIZE},
    {"opt.dirty_decay_ms", TYPE_SIGNED},
    {"opt.muzzy_decay_ms", TYPE_SIGNED},
    {"opt.narenas", TYPE_UNSIGNED},
    {"opt.percpu_arena", TYPE_TEXT},
    {"opt.retain", TYPE_BOOL},
    {"opt.metadata_thp", TYPE_TEXT},
    {"opt.thp", TYPE_TEXT},
    {"opt.thp", TYPE_BOOL}, /* 4.x. */
    {"opt.oversize_threshold", TYPE_SIZE},
    {"opt.tcache", TYPE_BOOL},
    {"opt.tcache_max", TYPE_SIZE},
    {"opt.lg_tcache_max", TYPE_SIZE}, /* Until 5.2. */
    {"opt.lg_dirty_mult", TYPE_SIGNED},
    {"opt.decay_time", TYPE_SIGNED},
    {"opt.prof", TYPE_BOOL},
    {"opt.abort_conf", TYPE_BOOL},
};

union value {
    bool yes;
    unsigned number;
    size_t size;
    int64_t difference;
    const char *text;
};

static const size_t sizes[] = {
    [TYPE_BOOL] = sizeof(bool),       [TYPE_UNSIGNED] = sizeof(unsigned), [TYPE_SIZE] = sizeof(size_t),
    [TYPE_SIGNED] = sizeof(int64_t), [TYPE_TEXT] = sizeof(char *),
};

static void add_value(struct text *text, enum type type, union value value) {
    switch (type) {
    case TYPE_BOOL: text_add(text, value.yes ? "true" : "false"); break;
    case TYPE_UNSIGNED: text_add_number(text, value.number, 10); break;
    case TYPE_SIZE: text_add_number(text, value.size, 10); break;
    case TYPE_SIGNED: text_add_signed(text, value.difference); break;
    case TYPE_TEXT: text_add(text, value.text); break;
    }
}

void jemalloc_tunables(char *bytes, size_t size) {
    struct text text = text_in(bytes, size);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        union value value = {.size = 0};
        enum type type = options[i].type;
        if (!jemalloc_read(options[i].name, &value, sizes[type]) || (type == TYPE_TEXT && !value.text)) continue;
        const char *short_name = text_behind(options[i].name, "opt.");
        if (text.length) text_add(&text, " ");
        text_add(&text, short_name ? short_name : options[i].name);
        text_add(&text, "=");
        add_value(&text, type, value);
    }
}
