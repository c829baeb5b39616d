/* Included in front of every walker source in the fuzz build: the walker then asks the fake kernel instead of the real one.
 * It leaves answering to fake_kernel.c; fuzz.test.ts checks that no system call is missing here. */
#ifndef TIDEMARK_TEST_FAKE_NAMES_H
#define TIDEMARK_TEST_FAKE_NAMES_H

/* The system's headers come after this, so they declare the new names. */
#define open fake_open
#define read fake_read
#define pread fake_pread
#define write fake_write
#define close fake_close
#define process_vm_readv fake_process_vm_readv
#define clock_gettime fake_clock_gettime
#define nanosleep fake_nanosleep
#define sysconf fake_sysconf
#define alarm fake_alarm
#define signal fake_signal
#define sigprocmask fake_sigprocmask
#define syscall fake_syscall

#endif
