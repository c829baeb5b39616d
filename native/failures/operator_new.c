/* C++'s operator new, handed on to the next definition; a failure of an allocator that does not go through malloc is counted.
 * It leaves operator delete alone. Source: Itanium C++ ABI, 5.1.2 (names), and its exception handling, 1.3 (raising phases). */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "count.h"
#include "next.h"

#define EXPORTED __attribute__((visibility("default")))
#define RARE(condition) __builtin_expect((condition), 0)

/* libstdc++'s operator new calls malloc, where the failure is counted already. */
static void count_new(enum new_form form, size_t bytes) {
    if (next_table.new_is_the_allocators[form]) count_failure(bytes, ENOMEM);
}

#define NOTHROW_NEW(name, form) \
    EXPORTED void *name(size_t bytes, uintptr_t second, uintptr_t third); \
    void *name(size_t bytes, uintptr_t second, uintptr_t third) { \
        new_function *next = next_table.operator_new[form]; \
        if (RARE(next == NULL)) next = next_late_new(form, (uintptr_t)__builtin_return_address(0)); \
        void *memory = next(bytes, second, third); \
        if (RARE(memory == NULL)) count_new(form, bytes); \
        return memory; \
    }

NOTHROW_NEW(_ZnwmRKSt9nothrow_t, NEW_NOTHROW)
NOTHROW_NEW(_ZnamRKSt9nothrow_t, NEW_ARRAY_NOTHROW)
NOTHROW_NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, NEW_ALIGNED_NOTHROW)
NOTHROW_NEW(_ZnamSt11align_val_tRKSt9nothrow_t, NEW_ARRAY_ALIGNED_NOTHROW)

/* The other forms fail by an exception. It passes through our frame, and the unwinder asks the frame's personality routine
 * what to do: go on, is the answer, and we count. A cleanup written in C would need libgcc's routine and _Unwind_Resume, and a
 * process may have two unwinders that do not understand each other's state (libtcmalloc brings libunwind along). So ours uses
 * nothing but _Unwind_GetCFA, and that of the very unwinder which calls. It tells the frame's stack pointer: there lie the
 * size that was asked for and a mark with the form. Hence assembler, where the frame is known. */
#define MARK 0x71DE3A00
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* <unwind.h>: _UA_SEARCH_PHASE, _URC_CONTINUE_UNWIND. A forced unwind (thread cancellation) has no search phase. */
#define SEARCH_PHASE 1
#define CONTINUE_UNWIND 8

int new_personality(int version, int actions, uint64_t class, void *exception, void *context);
new_function *new_late(enum new_form form, uintptr_t caller);
void new_failed(enum new_form form, size_t bytes);

int new_personality(int version, int actions, uint64_t class, void *exception, void *context) {
    (void)class, (void)exception;
    if (version != 1 || (actions & SEARCH_PHASE) == 0) return CONTINUE_UNWIND;
    uintptr_t tell = next_function_beside((uintptr_t)__builtin_return_address(0), "_Unwind_GetCFA");
    if (tell == 0) return CONTINUE_UNWIND;
    const uint64_t *frame = (const uint64_t *)((uintptr_t(*)(void *))tell)(context);
    uint64_t form = frame[1] - MARK;
    if (form < NEW_FORM_COUNT) count_new((enum new_form)form, frame[0]);
    return CONTINUE_UNWIND;
}

new_function *new_late(enum new_form form, uintptr_t caller) { return next_late_new(form, caller); }

void new_failed(enum new_form form, size_t bytes) { count_new(form, bytes); }

#if defined(__x86_64__)
/* clang-format off */
#define THROWING_NEW(name, form) __asm__( \
    ".text\n" \
    ".p2align 4\n" \
    ".globl " name "\n" \
    ".type " name ", @function\n" \
    name ":\n" \
    ".cfi_startproc\n" \
    ".cfi_personality 0x1b, new_personality\n" \
    "  endbr64\n" \
    "  subq $40, %rsp\n" \
    ".cfi_adjust_cfa_offset 40\n" \
    "  movq %rdi, (%rsp)\n" \
    "  movq $" TEXT(MARK) "+" #form ", 8(%rsp)\n" \
    "  movq next_table+8*" #form "(%rip), %rax\n" \
    "  testq %rax, %rax\n" \
    "  jz 2f\n" \
    "1: callq *%rax\n" \
    "  testq %rax, %rax\n" \
    "  jz 3f\n" \
    "  addq $40, %rsp\n" \
    ".cfi_remember_state\n" \
    ".cfi_adjust_cfa_offset -40\n" \
    "  retq\n" \
    ".cfi_restore_state\n" \
    "2: movq %rsi, 16(%rsp)\n" \
    "  movl $" #form ", %edi\n" \
    "  movq 40(%rsp), %rsi\n" \
    "  callq new_late\n" \
    "  movq (%rsp), %rdi\n" \
    "  movq 16(%rsp), %rsi\n" \
    "  jmp 1b\n" \
    "3: movl $" #form ", %edi\n" \
    "  movq (%rsp), %rsi\n" \
    "  callq new_failed\n" \
    "  xorl %eax, %eax\n" \
    "  addq $40, %rsp\n" \
    ".cfi_adjust_cfa_offset -40\n" \
    "  retq\n" \
    ".cfi_endproc\n" \
    ".size " name ", . - " name "\n")
#else
#define THROWING_NEW(name, form) __asm__( \
    ".text\n" \
    ".p2align 4\n" \
    ".globl " name "\n" \
    ".type " name ", %function\n" \
    name ":\n" \
    ".cfi_startproc\n" \
    ".cfi_personality 0x1b, new_personality\n" \
    "  hint 34\n" /* bti c, for kernels that ask for it. */ \
    "  sub sp, sp, #48\n" \
    ".cfi_adjust_cfa_offset 48\n" \
    "  stp x29, x30, [sp, 32]\n" \
    ".cfi_rel_offset x29, 32\n" \
    ".cfi_rel_offset x30, 40\n" \
    "  add x29, sp, 32\n" \
    "  ldr x9, =" TEXT(MARK) "+" #form "\n" \
    "  stp x0, x9, [sp]\n" \
    "  adrp x9, next_table\n" \
    "  add x9, x9, :lo12:next_table\n" \
    "  ldr x9, [x9, 8*" #form "]\n" \
    "  cbz x9, 2f\n" \
    "1: blr x9\n" \
    "  cbz x0, 3f\n" \
    "4: ldp x29, x30, [sp, 32]\n" \
    "  add sp, sp, #48\n" \
    ".cfi_remember_state\n" \
    ".cfi_restore x29\n" \
    ".cfi_restore x30\n" \
    ".cfi_adjust_cfa_offset -48\n" \
    "  ret\n" \
    ".cfi_restore_state\n" \
    "2: str x1, [sp, 16]\n" \
    "  mov w0, " #form "\n" \
    "  mov x1, x30\n" \
    "  bl new_late\n" \
    "  mov x9, x0\n" \
    "  ldr x0, [sp]\n" \
    "  ldr x1, [sp, 16]\n" \
    "  b 1b\n" \
    "3: mov w0, " #form "\n" \
    "  ldr x1, [sp]\n" \
    "  bl new_failed\n" \
    "  mov x0, xzr\n" \
    "  b 4b\n" \
    ".ltorg\n" \
    ".cfi_endproc\n" \
    ".size " name ", . - " name "\n")
#endif
/* clang-format on */

THROWING_NEW("_Znwm", 0);
THROWING_NEW("_Znam", 1);
THROWING_NEW("_ZnwmSt11align_val_t", 2);
THROWING_NEW("_ZnamSt11align_val_t", 3);
_Static_assert(NEW_PLAIN == 0 && NEW_ARRAY == 1 && NEW_ALIGNED == 2 && NEW_ARRAY_ALIGNED == 3, "the assembler has these numbers");
_Static_assert(offsetof(union next_table, operator_new) == 0, "and reads the table from its start");
