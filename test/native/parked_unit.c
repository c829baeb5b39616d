/* Reads made-up thread caches and malloc parameters in every form they have had, sound and damaged, without a process.
 * It leaves real ones to parked.c and hostile.c; exits 0 when all is well. */
#include <stdio.h>
#include <string.h>

#include "../../native/walker/malloc_par.h"
#include "../../native/walker/tcache_layout.h"

#define EXPECT(condition) \
    do { \
        if (!(condition)) return printf("line %d: %s\n", __LINE__, #condition), 1; \
    } while (0)

struct form {
    unsigned chunk_bytes, bins, count_bytes, full;
};

/* 2.26 to 2.29, 2.30 to 2.41, 2.42, and 2.43, whose counts begin higher. */
static const struct form forms[] = {{0x250, 64, 1, 0}, {0x290, 64, 2, 0}, {0x300, 76, 2, 7}, {0x300, 76, 2, 16}};

static void put_bin(const struct form *form, unsigned char *memory, unsigned bin, unsigned held, uint64_t entry) {
    uint16_t count = (uint16_t)(form->full == 0 ? held : form->full - held);
    memcpy(memory + bin * form->count_bytes, &count, form->count_bytes);
    memcpy(memory + form->bins * form->count_bytes + 8 * bin, &entry, 8);
}

static int read_caches(const struct form *form) {
    unsigned char memory[TCACHE_CHUNK_BYTES_MAX] = {0};
    struct tcache_contents contents;
    EXPECT(tcache_chunk_fits(form->chunk_bytes) && tcache_chunk_fits(form->chunk_bytes + 16));
    EXPECT(!tcache_chunk_fits(form->chunk_bytes - 16) && !tcache_chunk_fits(form->chunk_bytes + 32));
    for (unsigned bin = 0; bin < form->bins; bin++) put_bin(form, memory, bin, 0, 0);
    EXPECT(tcache_struct_read(memory, form->chunk_bytes, 0, &contents) == TCACHE_EMPTY);
    put_bin(form, memory, 0, 7, 0x555500000010);
    put_bin(form, memory, 1, 1, 0x555500001230);
    put_bin(form, memory, 63, 3, 0x7fff00000010);
    EXPECT(tcache_struct_read(memory, form->chunk_bytes + 16, 0, &contents) == TCACHE_FILLED);
    EXPECT(contents.count == 11 && contents.bytes == 7 * 32 + 48 + 3 * 1040 && !contents.large_bins && contents.head_count == 3);
    EXPECT(contents.heads[1] == 0x555500001230 && contents.head_bytes[1] == 48);
    put_bin(form, memory, 5, 0, 0x555500002000);
    EXPECT(tcache_struct_read(memory, form->chunk_bytes, 0, &contents) == TCACHE_NOT);
    EXPECT(tcache_struct_read(memory, form->chunk_bytes, 1, &contents) == TCACHE_FILLED && contents.count == 11);
    put_bin(form, memory, 6, 1, 0x555500002008);
    EXPECT(tcache_struct_read(memory, form->chunk_bytes, 1, &contents) == TCACHE_NOT);
    memset(memory, 'x', sizeof memory);
    EXPECT(tcache_struct_read(memory, form->chunk_bytes, 3, &contents) == TCACHE_NOT);
    return 0;
}

static int read_large_bins(void) {
    unsigned char memory[TCACHE_CHUNK_BYTES_MAX] = {0};
    struct tcache_contents contents;
    for (unsigned bin = 0; bin < 76; bin++) put_bin(&forms[3], memory, bin, 0, 0);
    put_bin(&forms[3], memory, 70, 2, 0x555500000010);
    EXPECT(tcache_struct_read(memory, 0x300, 0, &contents) == TCACHE_FILLED && contents.large_bins && contents.count == 0);
    return 0;
}

static void put_int(unsigned char *at, int32_t number) { memcpy(at, &number, sizeof number); }
static void put_word(unsigned char *at, uint64_t word) { memcpy(at, &word, sizeof word); }

/* `hp_flags` moves the four counts by one int. */
static int read_parameters(int hp_flags) {
    unsigned char bytes[MALLOC_PAR_BYTES] = {0};
    unsigned char *sbrk_base = bytes + MALLOC_PAR_BYTES_BEFORE;
    unsigned char *counts = sbrk_base - (hp_flags ? 36 : 32);
    uint64_t mapped = 9, count = 9;
    EXPECT(!malloc_par_read(bytes, 1 << 30, &mapped, &count)); /* Some other pointer into the heap, among zeros. */
    put_int(counts + 4, 65536);
    put_word(sbrk_base + 8, 64);
    put_word(sbrk_base + 16, 1033);
    put_word(sbrk_base + 24, 7);
    EXPECT(malloc_par_read(bytes, 1 << 30, &mapped, &count) && mapped == 0 && count == 0);
    put_int(counts, 3);
    put_int(counts + 8, 5);
    put_word(sbrk_base - 16, 3 << 20);
    put_word(sbrk_base - 8, 5 << 20);
    EXPECT(malloc_par_read(bytes, 1 << 30, &mapped, &count) && mapped == 3 << 20 && count == 3);
    EXPECT(!malloc_par_read(bytes, 1 << 20, &mapped, &count)); /* More than the process has mapped. */
    put_int(counts, 6);
    EXPECT(!malloc_par_read(bytes, 1 << 30, &mapped, &count)); /* More than there ever were. */
    put_int(counts, 0);
    EXPECT(!malloc_par_read(bytes, 1 << 30, &mapped, &count)); /* Bytes of no chunk. */
    return 0;
}

int main(void) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (read_caches(&forms[i]) != 0) return printf("form %zu\n", i), 1;
    }
    if (read_large_bins() != 0 || read_parameters(0) != 0 || read_parameters(1) != 0) return 1;
    puts("ok");
    return 0;
}
