/* What the process was given: a seccomp filter, the kernel's own clock function.
 * It leaves what follows from it to count.c. */
#ifndef TIDEMARK_FAILURES_SURROUNDINGS_H
#define TIDEMARK_FAILURES_SURROUNDINGS_H

#include <time.h>

typedef int vdso_clock_gettime(clockid_t clock, struct timespec *now);

/* Of the first thread, which is the one that loads us: 0 without seccomp, 2 with a filter, negative when not known. Makes no
 * system call but those by which ld.so loads a library: a filter that lets programs start lets these pass. */
long read_seccomp_mode(void);
/* NULL when the kernel offers none. */
vdso_clock_gettime *find_vdso_clock(void);

#endif
