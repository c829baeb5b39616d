/* Goes from frame to frame by what the compiler left (.eh_frame), and by the frame pointer where there is nothing (JIT code).
 * It leaves reading these tables to cfi.c. libgcc's unwinder would do as well, but takes a lock under which it allocates
 * (unwind-dw2-fde.c before GCC 13, init_object): a sample of that very block would wait for itself. */
#include "unwind.h"

#include <link.h>
#include <stddef.h>

#include "cfi.h"

/* Frames of our own are left out: at most these many lie on top. */
#define OWN_FRAMES_MAX 8
/* The kernel keeps that much free below the first thread's stack (arch/x86/mm/mmap.c, MIN_GAP), so who is nearer to its end is
 * on it. A thread's own stack ends at its control block (nptl/allocatestack.c). */
#define FIRST_STACK_BYTES_MAX (UINT64_C(128) << 20)
#define THREAD_STACK_BYTES_MAX (UINT64_C(64) << 20)
/* Of a stack that we cannot see the end of: a coroutine's, a signal's. */
#define FOREIGN_STACK_BYTES_MAX (UINT64_C(64) << 10)
/* Without tables the frame pointer is trusted for a step of this size at most. */
#define POINTER_STEP_BYTES_MAX (UINT64_C(64) << 10)
#define EXPRESSION_STACK 8
#define EXPRESSION_STEPS_MAX 64
#define OBJECTS_MAX 256

/* struct dl_find_object of glibc 2.35 and later (bits/dl_find_object.h), for headers that do not have it. */
struct found_object {
    unsigned long long flags;
    void *start;
    void *end;
    void *link_map;
    void *table;
    unsigned long long reserved[8];
};

/* Lock-free, and safe in signal handlers (elf/dl-find_object.c). */
extern int glibc_find_object(void *address, struct found_object *result) __asm__("_dl_find_object") __attribute__((weak));
extern int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context) __attribute__((weak));
extern void *__libc_stack_end __attribute__((weak));

/* Of an older glibc: what was loaded at the start. Libraries that come later end a stack there. */
static struct cfi_object objects[OBJECTS_MAX];
static unsigned object_count;
static struct cfi_object own;
static uintptr_t first_stack_end;

struct registers {
    uint64_t value[CFI_REGISTERS];
    uint64_t known; /* A bit for each. */
};

struct bounds {
    uintptr_t low;
    uintptr_t high;
    bool is_foreign;
};

static int note_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    struct cfi_object object = {.start = UINTPTR_MAX};
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
        if (segment->p_type == PT_GNU_EH_FRAME) object.table = from;
        if (segment->p_type == PT_LOAD && from < object.start) object.start = from;
        if (segment->p_type == PT_LOAD && to > object.end) object.end = to;
    }
    uintptr_t self = (uintptr_t)&own;
    if (self >= object.start && self < object.end) own = object;
    if (object.table != 0 && object_count < OBJECTS_MAX) objects[object_count++] = object;
    return 0;
}

void unwind_start(void) {
    if (dl_iterate_phdr != NULL) (void)dl_iterate_phdr(note_object, NULL);
    first_stack_end = &__libc_stack_end != NULL ? (uintptr_t)__libc_stack_end : 0;
}

static bool find_object(uintptr_t pc, struct cfi_object *object) {
    if (glibc_find_object != NULL) {
        struct found_object found = {0};
        if (glibc_find_object((void *)pc, &found) != 0 || found.table == NULL) return false;
        *object = (struct cfi_object){(uintptr_t)found.start, (uintptr_t)found.end, (uintptr_t)found.table};
        return true;
    }
    for (unsigned i = 0; i < object_count; i++) {
        if (pc < objects[i].start || pc >= objects[i].end) continue;
        *object = objects[i];
        return true;
    }
    return false;
}

static struct bounds bounds_of(uintptr_t low) {
    uintptr_t block = (uintptr_t)__builtin_thread_pointer();
    if (first_stack_end - low - 1 < FIRST_STACK_BYTES_MAX) return (struct bounds){low, first_stack_end, false};
    if (block - low - 1 < THREAD_STACK_BYTES_MAX) return (struct bounds){low, block, false};
    return (struct bounds){low, low + FOREIGN_STACK_BYTES_MAX, true};
}

static bool read_stack(const struct bounds *bounds, uint64_t address, uint64_t *value) {
    bool inside = address % sizeof *value == 0 && address >= bounds->low && address <= bounds->high - sizeof *value;
    if (inside) *value = *(const uint64_t *)(uintptr_t)address;
    return inside;
}

static bool get(const struct registers *registers, uint64_t number, uint64_t *value) {
    bool known = number < CFI_REGISTERS && (registers->known >> number & 1) != 0;
    if (known) *value = registers->value[number];
    return known;
}

static void put(struct registers *registers, unsigned number, uint64_t value) {
    registers->value[number] = value;
    registers->known |= UINT64_C(1) << number;
}

/* Those operations of DWARF expressions that compilers, linkers (for .plt) and C libraries (for signal frames) write. */
static bool evaluate(uintptr_t address, const struct registers *registers, const struct bounds *bounds, uint64_t *result,
                     bool has_start) {
    const uint8_t *at = (const uint8_t *)address;
    uint64_t stack[EXPRESSION_STACK];
    unsigned depth = 0, steps = 0;
    if (has_start) stack[depth++] = *result;
    const uint8_t *bytes_end = at + 10; /* An LEB128 number of 64 bits. */
    uint64_t bytes = cfi_unsigned(&at, bytes_end);
    const uint8_t *end = at + bytes;
    while (at < end) {
        uint8_t operation = *at++;
        if (++steps > EXPRESSION_STEPS_MAX) return false;
        if (operation >= 0x30 && operation <= 0x4f) { /* DW_OP_lit0 and on */
            if (depth == EXPRESSION_STACK) return false;
            stack[depth++] = operation - 0x30u;
        } else if (operation >= 0x70 && operation <= 0x8f) { /* DW_OP_breg0 and on */
            uint64_t value;
            int64_t offset = cfi_signed(&at, end);
            if (depth == EXPRESSION_STACK || !get(registers, operation - 0x70u, &value)) return false;
            stack[depth++] = value + (uint64_t)offset;
        } else if (operation >= 0x08 && operation <= 0x0b) { /* const1u, const1s, const2u, const2s */
            unsigned width = operation < 0x0a ? 1 : 2;
            uint64_t value = 0;
            if (depth == EXPRESSION_STACK || (size_t)(end - at) < width) return false;
            __builtin_memcpy(&value, at, width);
            if (operation == 0x09) value = (uint64_t)(int64_t)(int8_t)value;
            if (operation == 0x0b) value = (uint64_t)(int64_t)(int16_t)value;
            stack[depth++] = value;
            at += width;
        } else if (operation == 0x06) { /* deref */
            if (depth == 0 || !read_stack(bounds, stack[depth - 1], &stack[depth - 1])) return false;
        } else if (operation == 0x23) { /* plus_uconst */
            if (depth == 0) return false;
            stack[depth - 1] += cfi_unsigned(&at, end);
        } else {
            if (depth < 2) return false;
            uint64_t right = stack[--depth], *left = &stack[depth - 1];
            switch (operation) {
                case 0x1a: *left &= right; break;
                case 0x1c: *left -= right; break;
                case 0x21: *left |= right; break;
                case 0x22: *left += right; break;
                case 0x24: *left = right < 64 ? *left << right : 0; break;
                case 0x2a: *left = (int64_t)*left >= (int64_t)right; break;
                default: return false;
            }
        }
    }
    if (depth == 0) return false;
    *result = stack[depth - 1];
    return true;
}

static bool step_by_tables(struct registers *registers, const struct bounds *bounds, uintptr_t place, bool *was_signal) {
    struct cfi_object object;
    struct cfi cfi;
    uint64_t cfa, value;
    if (!find_object(place, &object) || !cfi_find(&object, place, &cfi)) return false;
    if (cfi.rules.cfa.kind == CFI_IS_EXPRESSION) {
        if (!evaluate(object.table + (uintptr_t)(intptr_t)cfi.rules.cfa.value, registers, bounds, &cfa, false)) return false;
    } else {
        if (!get(registers, cfi.rules.cfa.of, &cfa)) return false;
        cfa += (uint64_t)(int64_t)cfi.rules.cfa.value;
    }
    struct registers caller = {.known = 0};
    for (unsigned i = 0; i < CFI_REGISTERS; i++) {
        const struct cfi_rule *rule = &cfi.rules.registers[i];
        uint64_t offset = (uint64_t)(int64_t)rule->value;
        switch ((enum cfi_kind)rule->kind) {
            case CFI_SAME:
                if (get(registers, i, &value)) put(&caller, i, value);
                break;
            case CFI_AT_OFFSET:
                if (read_stack(bounds, cfa + offset, &value)) put(&caller, i, value);
                break;
            case CFI_IS_OFFSET: put(&caller, i, cfa + offset); break;
            case CFI_IN_REGISTER:
                if (get(registers, rule->of, &value)) put(&caller, i, value);
                break;
            case CFI_AT_EXPRESSION:
            case CFI_IS_EXPRESSION:
                value = cfa;
                if (!evaluate(object.table + offset, registers, bounds, &value, true)) break;
                if (rule->kind == CFI_AT_EXPRESSION && !read_stack(bounds, value, &value)) break;
                put(&caller, i, value);
                break;
            case CFI_UNDEFINED: break;
        }
    }
    /* Where the stack pointer has no rule, it is the CFA: psABI of x86-64, 3.7; of aarch64, aadwarf64. */
    if (cfi.rules.registers[CFI_STACK_POINTER].kind == CFI_SAME) put(&caller, CFI_STACK_POINTER, cfa);
    /* On x86-64 the return address has a column of its own, and "same" would be the place where we are. */
    if (cfi.rules.registers[cfi.return_column].kind == CFI_SAME && CFI_RETURN_ADDRESS == 16) return false;
    if (!get(&caller, cfi.return_column, &value)) return false;
    put(&caller, CFI_RETURN_ADDRESS, value);
    *registers = caller;
    *was_signal = cfi.is_signal;
    return true;
}

/* Saved frame pointer and return address, one above the other: x86-64 by push and mov, aarch64 by its procedure call standard. */
static bool step_by_pointer(struct registers *registers, const struct bounds *bounds) {
    uint64_t frame, stack_pointer, saved, back;
    if (bounds->is_foreign || !get(registers, CFI_FRAME_POINTER, &frame)) return false;
    if (!get(registers, CFI_STACK_POINTER, &stack_pointer)) return false;
    if (frame < stack_pointer || frame - stack_pointer > POINTER_STEP_BYTES_MAX) return false;
    if (!read_stack(bounds, frame, &saved) || !read_stack(bounds, frame + 8, &back)) return false;
    *registers = (struct registers){.known = 0};
    put(registers, CFI_FRAME_POINTER, saved);
    put(registers, CFI_STACK_POINTER, frame + 16);
    put(registers, CFI_RETURN_ADDRESS, back);
    return true;
}

/* A return address may be signed; without pointer authentication the instruction does nothing. It works on x30 alone. */
static uint64_t without_signature(uint64_t address) {
#if defined(__aarch64__)
    register uint64_t x30 __asm__("x30") = address;
    __asm__("hint 7" : "+r"(x30)); /* xpaclri */
    return x30;
#else
    return address;
#endif
}

/* What the tables may ask of the frame that we begin in: the registers that a function must keep, and the stack. */
__attribute__((always_inline)) static inline void capture(struct registers *registers) {
    uint64_t *value = registers->value;
#if defined(__x86_64__)
    __asm__ volatile("movq %%rbx, 3*8(%0)\n\tmovq %%rbp, 6*8(%0)\n\tmovq %%rsp, 7*8(%0)\n\t"
                     "movq %%r12, 12*8(%0)\n\tmovq %%r13, 13*8(%0)\n\tmovq %%r14, 14*8(%0)\n\tmovq %%r15, 15*8(%0)"
                     : : "r"(value) : "memory");
    registers->known = 1u << 3 | 1u << 6 | 1u << 7 | 0xfu << 12;
#else
    __asm__ volatile("stp x19, x20, [%0, 152]\n\tstp x21, x22, [%0, 168]\n\tstp x23, x24, [%0, 184]\n\t"
                     "stp x25, x26, [%0, 200]\n\tstp x27, x28, [%0, 216]\n\tstp x29, x30, [%0, 232]\n\t"
                     "mov x9, sp\n\tstr x9, [%0, 248]"
                     : : "r"(value) : "x9", "memory");
    registers->known = UINT64_C(0x1fff) << 19;
#endif
}

__attribute__((always_inline)) static inline uintptr_t here(void) {
    uintptr_t place;
#if defined(__x86_64__)
    __asm__ volatile("leaq (%%rip), %0" : "=r"(place));
#else
    __asm__ volatile("adr %0, ." : "=r"(place));
#endif
    return place;
}

__attribute__((noinline)) void unwind(struct tidemark_profile_stack *stack) {
    struct registers registers;
    capture(&registers);
    uintptr_t place = here();
    struct bounds bounds = bounds_of((uintptr_t)registers.value[CFI_STACK_POINTER]);
    bool was_signal;
    stack->depth = stack->is_cut = 0;
    for (unsigned skipped = 0;;) {
        uint64_t before = registers.value[CFI_STACK_POINTER];
        was_signal = false;
        if (!step_by_tables(&registers, &bounds, place, &was_signal) && !step_by_pointer(&registers, &bounds)) return;
        uint64_t back = without_signature(registers.value[CFI_RETURN_ADDRESS]);
        /* Stacks grow down: a caller's frame lies above, unless the frame was a leaf's of aarch64. */
        uint64_t after = registers.value[CFI_STACK_POINTER];
        if (back == 0 || after < before || after > bounds.high) return;
        if (after == before && CFI_RETURN_ADDRESS == 16) return;
        put(&registers, CFI_RETURN_ADDRESS, back);
        /* The call is the instruction before; an interrupted one is the instruction itself. */
        uintptr_t next = (uintptr_t)(was_signal ? back : back - 1);
        if (next == place && after == before) return;
        place = next;
        if (back >= own.start && back < own.end && stack->depth == 0 && skipped++ < OWN_FRAMES_MAX) continue;
        if (stack->depth == TIDEMARK_PROFILE_FRAMES) {
            stack->is_cut = 1;
            return;
        }
        /* One past a signal's place, so that who looks a byte before every address finds it. */
        stack->frames[stack->depth++] = was_signal ? back + 1 : back;
    }
}
