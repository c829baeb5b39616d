/* The few string helpers that a library without libc needs. Text is always bounded and always ended with NUL.
 * It leaves the meaning of the text to its callers. */
#ifndef TIDEMARK_TEXT_H
#define TIDEMARK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t text_length(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}

/* The text behind `start`, or NULL when `text` does not begin with it. */
static inline const char *text_behind(const char *text, const char *start) {
    while (*start) {
        if (*text++ != *start++) return NULL;
    }
    return text;
}

static inline bool text_equal(const char *left, const char *right) {
    const char *rest = text_behind(left, right);
    return rest && !*rest;
}

/* The value of a variable by its name and the sign behind it ("NAME="), or NULL; `environment` may be NULL. */
static inline const char *text_in_environment(char **environment, const char *start) {
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *value = text_behind(*environment, start);
        if (value != NULL) return value;
    }
    return NULL;
}

/* Gives false when `text` is not a plain decimal number of at most 18 digits. */
static inline bool text_to_number(const char *text, uint64_t *number) {
    size_t length = text_length(text);
    if (length == 0 || length > 18) return false;
    *number = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

/* A text that is put together piece by piece. A piece that does not fit whole is left out, and so is all behind it. */
struct text {
    char *bytes;
    size_t size;
    size_t length;
    bool full;
};

static inline struct text text_in(char *bytes, size_t size) {
    bytes[0] = '\0';
    return (struct text){.bytes = bytes, .size = size};
}

static inline void text_add(struct text *text, const char *piece) {
    size_t length = text_length(piece);
    text->full = text->full || text->length + length >= text->size;
    if (text->full) return;
    for (size_t i = 0; i <= length; i++) text->bytes[text->length + i] = piece[i];
    text->length += length;
}

/* `base` is 10 or 16. */
static inline void text_add_number(struct text *text, uint64_t number, unsigned base) {
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    text_add(text, digits + at);
}

static inline void text_add_signed(struct text *text, int64_t number) {
    if (number < 0) text_add(text, "-");
    text_add_number(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
}

#endif
