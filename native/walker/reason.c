/* The words for the reasons, as the collector and heap_unknown_reason spell them.
 * It leaves what each means to walk.h. */
#include "walk.h"

const char *walk_reason_word(enum walk_reason reason) {
    switch (reason) {
        case WALK_OK: return "ok";
        case WALK_GONE: return "gone";
        case WALK_DENIED: return "denied";
        case WALK_NO_HEAP: return "no_heap";
        case WALK_LAYOUT: return "layout";
        case WALK_SWAPPED: return "swapped";
        case WALK_CHANGED: return "changed";
        case WALK_BUDGET: return "budget";
        case WALK_NO_PAGEMAP: return "no_pagemap";
        case WALK_TOO_MANY_MAPS: return "too_many_maps";
    }
    return "layout";
}
