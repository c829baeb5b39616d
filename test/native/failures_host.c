/* What a program finds by name in its own process, and a library that it loads later: `failures_host [library]`.
 * It leaves the library to failures_plugin.c. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static int use(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int (*plugin_use)(void) = library != NULL ? (int (*)(void))dlsym(library, "plugin_use") : NULL;
    if (plugin_use == NULL) return 1;
    printf("uses its own heap: %d\n", plugin_use());
    return dlclose(library);
}

int main(int count, char **arguments) {
    static const char *const names[] = {"malloc", "reallocarray", "pvalloc", "_Znwm", "_ZnamSt11align_val_t"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        printf("%s %d\n", names[i], dlsym(RTLD_DEFAULT, names[i]) != NULL);
    return count == 2 ? use(arguments[1]) : 0;
}
