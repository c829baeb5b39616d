/* Finds the entry about an address in .eh_frame by its search table, and runs its instructions up to that address.
 * It leaves expressions to unwind.c. Everything is read within the bounds of the loaded object: no allocation, no lock. */
#include "cfi.h"

#include <stddef.h>

#define REMEMBERED_MAX 4
/* DW_EH_PE_*: what linkers write into the search table and compilers into an entry. */
#define ENCODING_TABLE 0x3b /* datarel, sdata4. */
#define ENCODING_COUNT 0x03 /* udata4. */
#define ENCODING_RELATIVE 0x10

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static uint64_t take(struct reader *reader, unsigned bytes) {
    uint64_t value = 0;
    if (reader->bad || (size_t)(reader->end - reader->at) < bytes) {
        reader->bad = true;
        return 0;
    }
    __builtin_memcpy(&value, reader->at, bytes);
    reader->at += bytes;
    return value;
}

uint64_t cfi_unsigned(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) break;
    }
    return value;
}

int64_t cfi_signed(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0) continue;
        if ((byte & 0x40) != 0 && shift + 7 < 64) value |= UINT64_MAX << (shift + 7);
        break;
    }
    return (int64_t)value;
}

/* Bytes of a pointer in this encoding; 0: not known, or of variable length. */
static unsigned width_of(uint8_t encoding) {
    switch (encoding & 0x0f) {
        case 0x00: case 0x04: case 0x0c: return 8;
        case 0x02: case 0x0a: return 2;
        case 0x03: case 0x0b: return 4;
        default: return 0;
    }
}

static uint64_t take_pointer(struct reader *reader, uint8_t encoding, bool is_length) {
    uintptr_t here = (uintptr_t)reader->at;
    unsigned width = width_of(encoding);
    uint8_t base = encoding & 0x70;
    if (width == 0 || (base != 0 && base != ENCODING_RELATIVE)) reader->bad = true;
    uint64_t value = take(reader, width);
    if ((encoding & 0x08) != 0 && width < 8) {
        unsigned shift = 64 - 8 * width;
        value = (uint64_t)((int64_t)(value << (shift & 63)) >> (shift & 63));
    }
    return base == ENCODING_RELATIVE && !is_length ? value + here : value;
}

/* The last entry of the table that begins at or before pc, or 0. Entries are pairs of 32-bit offsets from the table. */
static uintptr_t search(const struct cfi_object *object, uintptr_t pc) {
    struct reader reader = {.at = (const uint8_t *)object->table, .end = (const uint8_t *)object->end};
    uint64_t version = take(&reader, 1), frame = take(&reader, 1), count_form = take(&reader, 1), form = take(&reader, 1);
    if (reader.bad || version != 1 || count_form != ENCODING_COUNT || form != ENCODING_TABLE) return 0;
    (void)take(&reader, width_of((uint8_t)frame));
    uint64_t count = take(&reader, 4);
    if (reader.bad || count == 0 || count > (uint64_t)(reader.end - reader.at) / 8) return 0;
    const int32_t (*pairs)[2] = (const int32_t (*)[2])(const void *)reader.at;
    int64_t wanted = (int64_t)(pc - object->table);
    if (wanted < pairs[0][0]) return 0;
    uint64_t low = 0, high = count;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (pairs[middle][0] <= wanted) low = middle;
        else high = middle;
    }
    return object->table + (uintptr_t)(intptr_t)pairs[low][1];
}

struct common {
    uint64_t code_unit;
    int64_t data_unit;
    uint8_t pointer_encoding;
    uint8_t return_column;
    bool is_signal;
    bool has_augmentation;
    struct reader instructions;
};

static bool open_entry(const struct cfi_object *object, uintptr_t address, struct reader *reader) {
    if (address < object->start || address >= object->end) return false;
    *reader = (struct reader){.at = (const uint8_t *)address, .end = (const uint8_t *)object->end};
    uint64_t length = take(reader, 4);
    /* 0xffffffff would announce a 64-bit length, which no section of this kind has needed yet. */
    if (reader->bad || length < 8 || length > (uint64_t)(reader->end - reader->at)) return false;
    reader->end = reader->at + length;
    return true;
}

static bool read_common(const struct cfi_object *object, uintptr_t address, struct common *common) {
    struct reader reader;
    if (!open_entry(object, address, &reader) || take(&reader, 4) != 0) return false;
    uint64_t version = take(&reader, 1);
    const uint8_t *augmentation = reader.at;
    while (take(&reader, 1) != 0) {}
    *common = (struct common){.has_augmentation = *augmentation == 'z'};
    if (reader.bad || (version != 1 && version != 3) || (*augmentation != '\0' && *augmentation != 'z')) return false;
    common->code_unit = cfi_unsigned(&reader.at, reader.end);
    common->data_unit = cfi_signed(&reader.at, reader.end);
    uint64_t column = version == 1 ? take(&reader, 1) : cfi_unsigned(&reader.at, reader.end);
    if (column >= CFI_REGISTERS) return false;
    common->return_column = (uint8_t)column;
    if (common->has_augmentation) {
        uint64_t bytes = cfi_unsigned(&reader.at, reader.end);
        if (bytes > (uint64_t)(reader.end - reader.at)) return false;
        const uint8_t *behind = reader.at + bytes;
        for (const uint8_t *letter = augmentation + 1; *letter != '\0'; letter++) {
            if (*letter == 'R') common->pointer_encoding = (uint8_t)take(&reader, 1);
            else if (*letter == 'L') (void)take(&reader, 1);
            else if (*letter == 'S') common->is_signal = true;
            else if (*letter == 'P') (void)take(&reader, width_of((uint8_t)take(&reader, 1)));
            else if (*letter != 'B' && *letter != 'G') return false; /* Pointer authentication's B key; memory tagging. */
        }
        reader.at = behind;
    }
    common->instructions = reader;
    return !reader.bad;
}

struct machine {
    const struct cfi_object *object;
    const struct common *common;
    struct cfi_rules rules;
    struct cfi_rules initial;
    struct cfi_rules remembered[REMEMBERED_MAX];
    unsigned remembered_count;
    bool bad;
};

/* Registers that are not followed, vector ones say, have no rule. */
static void set(struct machine *machine, uint64_t number, enum cfi_kind kind, int64_t value) {
    if (number >= CFI_REGISTERS) return;
    if (value != (int32_t)value) machine->bad = true;
    machine->rules.registers[number] = (struct cfi_rule){.kind = (uint8_t)kind, .value = (int32_t)value};
}

static void set_cfa(struct machine *machine, uint64_t number, int64_t value) {
    if (number >= CFI_REGISTERS || value != (int32_t)value) machine->bad = true;
    machine->rules.cfa = (struct cfi_rule){.kind = CFI_IS_OFFSET, .of = (uint8_t)number, .value = (int32_t)value};
}

static void restore(struct machine *machine, uint64_t number) {
    if (number < CFI_REGISTERS) machine->rules.registers[number] = machine->initial.registers[number];
}

static int64_t skip_block(struct machine *machine, struct reader *reader) {
    int64_t offset = (int64_t)((uintptr_t)reader->at - machine->object->table);
    uint64_t bytes = cfi_unsigned(&reader->at, reader->end);
    if (bytes > (uint64_t)(reader->end - reader->at)) machine->bad = true;
    else reader->at += bytes;
    return offset;
}

static void remember(struct machine *machine) {
    if (machine->remembered_count == REMEMBERED_MAX) machine->bad = true;
    else machine->remembered[machine->remembered_count++] = machine->rules;
}

static void recall(struct machine *machine) {
    if (machine->remembered_count == 0) machine->bad = true;
    else machine->rules = machine->remembered[--machine->remembered_count];
}

/* The instructions with an operation of their own. Names and numbers: DWARF 5, table 7.29. */
static void run_extended(struct machine *machine, struct reader *reader, uint8_t operation) {
    const uint8_t **at = &reader->at, *end = reader->end;
    int64_t unit = machine->common->data_unit;
    uint64_t number;
    switch (operation) {
        case 0x00: return;                                                                                      /* nop */
        case 0x0a: remember(machine); return;
        case 0x0b: recall(machine); return;
        case 0x0c: number = cfi_unsigned(at, end); set_cfa(machine, number, (int64_t)cfi_unsigned(at, end)); return;
        case 0x0d: set_cfa(machine, cfi_unsigned(at, end), machine->rules.cfa.value); return;                    /* _register */
        case 0x0e: set_cfa(machine, machine->rules.cfa.of, (int64_t)cfi_unsigned(at, end)); return;
        case 0x0f:
            machine->rules.cfa = (struct cfi_rule){.kind = CFI_IS_EXPRESSION, .value = (int32_t)skip_block(machine, reader)};
            return;
        case 0x12: number = cfi_unsigned(at, end); set_cfa(machine, number, cfi_signed(at, end) * unit); return;  /* def_cfa_sf */
        case 0x13: set_cfa(machine, machine->rules.cfa.of, cfi_signed(at, end) * unit); return;
        case 0x2d: return;                                      /* negate_ra_state: unwind.c strips signatures by itself. */
        case 0x2e: (void)cfi_unsigned(at, end); return;                                                          /* args_size */
        default: break;
    }
    number = cfi_unsigned(at, end);
    switch (operation) {
        case 0x05: set(machine, number, CFI_AT_OFFSET, (int64_t)cfi_unsigned(at, end) * unit); return; /* offset_extended */
        case 0x06: restore(machine, number); return;
        case 0x07: set(machine, number, CFI_UNDEFINED, 0); return;
        case 0x08: set(machine, number, CFI_SAME, 0); return;
        case 0x09:
            set(machine, number, CFI_IN_REGISTER, 0);
            if (number < CFI_REGISTERS) machine->rules.registers[number].of = (uint8_t)cfi_unsigned(at, end);
            return;
        case 0x10: set(machine, number, CFI_AT_EXPRESSION, skip_block(machine, reader)); return;
        case 0x11: set(machine, number, CFI_AT_OFFSET, cfi_signed(at, end) * unit); return;
        case 0x14: set(machine, number, CFI_IS_OFFSET, (int64_t)cfi_unsigned(at, end) * unit); return;
        case 0x15: set(machine, number, CFI_IS_OFFSET, cfi_signed(at, end) * unit); return;
        case 0x16: set(machine, number, CFI_IS_EXPRESSION, skip_block(machine, reader)); return;
        default: machine->bad = true;
    }
}

/* Up to the first row that begins behind pc. */
static void run(struct machine *machine, struct reader reader, uintptr_t place, uintptr_t pc) {
    uint64_t unit = machine->common->code_unit;
    while (!machine->bad && !reader.bad && reader.at < reader.end) {
        uint8_t operation = *reader.at++;
        uint8_t low = operation & 0x3f;
        uint64_t advance = 0;
        switch (operation >> 6) {
            case 1: advance = low; break;
            case 2:
                set(machine, low, CFI_AT_OFFSET, (int64_t)cfi_unsigned(&reader.at, reader.end) * machine->common->data_unit);
                continue;
            case 3: restore(machine, low); continue;
            default:
                if (operation < 0x02 || operation > 0x04) {
                    run_extended(machine, &reader, operation);
                    continue;
                }
                advance = take(&reader, 1u << (operation - 2));
        }
        place += advance * unit;
        if (place > pc) return;
    }
    machine->bad = machine->bad || reader.bad;
}

bool cfi_find(const struct cfi_object *object, uintptr_t pc, struct cfi *cfi) {
    struct reader reader;
    struct common common;
    uintptr_t entry = search(object, pc);
    if (entry == 0 || !open_entry(object, entry, &reader)) return false;
    uintptr_t here = (uintptr_t)reader.at;
    uint64_t back = take(&reader, 4);
    if (back == 0 || back > here || !read_common(object, here - back, &common)) return false;
    uintptr_t first = take_pointer(&reader, common.pointer_encoding, false);
    uint64_t bytes = take_pointer(&reader, common.pointer_encoding, true);
    if (reader.bad || pc - first >= bytes) return false;
    if (common.has_augmentation) {
        uint64_t skipped = cfi_unsigned(&reader.at, reader.end);
        if (skipped > (uint64_t)(reader.end - reader.at)) return false;
        reader.at += skipped;
    }
    struct machine machine;
    machine.object = object;
    machine.common = &common;
    machine.rules = machine.initial = (struct cfi_rules){.cfa = {.kind = CFI_UNDEFINED}};
    machine.remembered_count = 0;
    machine.bad = false;
    run(&machine, common.instructions, first, UINTPTR_MAX);
    machine.initial = machine.rules;
    run(&machine, reader, first, pc);
    cfi->rules = machine.rules;
    cfi->return_column = common.return_column;
    cfi->is_signal = common.is_signal;
    return !machine.bad && !reader.bad && machine.rules.cfa.kind != CFI_UNDEFINED;
}
