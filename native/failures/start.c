/* Runs when the library is loaded: settles who is next, and where to count.
 * It leaves counting to count.c. The library is loaded with LD_PRELOAD; TIDEMARK_RING_FOLDER names the folder,
 * and TIDEMARK_SHIM=1 vouches for the seccomp filter that the program is started under, for both of our libraries. */
#include <stddef.h>
#include <sys/auxv.h>

#include "../abi/tidemark_abi.h"
#include "../preload/text.h"
#include "count.h"
#include "next.h"

extern char **__environ __attribute__((weak));
extern const char *gnu_get_libc_version(void) __attribute__((weak));
extern unsigned long getauxval(unsigned long type) __attribute__((weak));

/* glibc passes the environment, and may run us before it has set __environ; musl passes nothing, and has set it. */
__attribute__((constructor)) static void start(int count, char **arguments, char **environment) {
    (void)count, (void)arguments;
    const union next_table *next = next_find();
    if (next != NULL) next_protect();
    /* A file that says 0 because nobody asks us would be a lie. */
    if (next == NULL || next->is_shadowed) return;
    if (gnu_get_libc_version == NULL) environment = &__environ != NULL ? __environ : NULL;
    /* A set-user-ID program does not take a folder from its caller (/etc/ld.so.preload brings us there). */
    if (getauxval == NULL || getauxval(AT_SECURE) != 0) return;
    const char *folder = text_in_environment(environment, "TIDEMARK_RING_FOLDER=");
    const char *vouched = text_in_environment(environment, "TIDEMARK_SHIM=");
    count_start(folder != NULL ? folder : TIDEMARK_RING_FOLDER_DEFAULT, vouched != NULL && text_equal(vouched, "1"));
}
