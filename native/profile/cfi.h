/* What the compiler left about one place in the code: how to get from the registers of a function there to its caller's.
 * It leaves walking a stack, and which memory may be read, to unwind.c. Source: DWARF 5, 6.4; LSB 5.0, 10.6 (.eh_frame). */
#ifndef TIDEMARK_PROFILE_CFI_H
#define TIDEMARK_PROFILE_CFI_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of the psABI of each architecture. */
#if defined(__x86_64__)
#define CFI_REGISTERS 17
#define CFI_FRAME_POINTER 6
#define CFI_STACK_POINTER 7
#define CFI_RETURN_ADDRESS 16
#else
#define CFI_REGISTERS 32
#define CFI_FRAME_POINTER 29
#define CFI_RETURN_ADDRESS 30
#define CFI_STACK_POINTER 31
#endif

enum cfi_kind { CFI_SAME, CFI_UNDEFINED, CFI_AT_OFFSET, CFI_IS_OFFSET, CFI_IN_REGISTER, CFI_AT_EXPRESSION, CFI_IS_EXPRESSION };

struct cfi_rule {
    uint8_t kind; /* enum cfi_kind. */
    uint8_t of;   /* The register, of CFI_IN_REGISTER. */
    int32_t value; /* Bytes from the CFA; of an expression, bytes from the table. */
};

struct cfi_rules {
    struct cfi_rule registers[CFI_REGISTERS];
    struct cfi_rule cfa; /* CFI_IS_OFFSET from register `of`, or CFI_IS_EXPRESSION. */
};

/* Of a loaded object: where its code and tables lie. */
struct cfi_object {
    uintptr_t start;
    uintptr_t end;
    uintptr_t table; /* PT_GNU_EH_FRAME. */
};

struct cfi {
    struct cfi_rules rules;
    uint8_t return_column;
    bool is_signal; /* The caller was interrupted, and did not call. */
};

/* False where the object says nothing about that address, or in a form that is not known. */
bool cfi_find(const struct cfi_object *object, uintptr_t pc, struct cfi *cfi);

/* An unsigned LEB128 number, and a signed one; `at` moves on. */
uint64_t cfi_unsigned(const uint8_t **at, const uint8_t *end);
int64_t cfi_signed(const uint8_t **at, const uint8_t *end);

#endif
