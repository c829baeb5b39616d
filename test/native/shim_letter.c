/* Makes a letter (native/preload/letter.c) under odd circumstances, which a file name with the time in it does not allow to
 * arrange from outside. Arguments: folder, circumstance. It leaves judging to shim.test.ts; prints made=0 or made=1. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../native/preload/letter.c"

#define BYTES 20480

int main(int count, char **arguments) {
    if (count != 3 || chdir(arguments[1]) != 0) return 2;
    const char *what = arguments[2];
    char name[64];
    snprintf(name, sizeof name, "%d-1.ring", getpid());
    if (strcmp(what, "symlink") == 0 && symlink("victim", name) != 0) return 3;
    if (strcmp(what, "file") == 0 && close(open(name, O_WRONLY | O_CREAT, 0666)) != 0) return 3;
    if (strcmp(what, "fifo") == 0 && mkfifo(name, 0666) != 0) return 3;
    if (strcmp(what, "limit") == 0) setrlimit(RLIMIT_FSIZE, &(struct rlimit){BYTES - 1, BYTES - 1});
    int folder = open(".", O_PATH | O_DIRECTORY);
    struct letter letter = letter_create(folder, ".ring", BYTES, 1);
    if (letter.mapping) memset(letter.mapping, 1, BYTES);
    printf("made=%d\n", letter.mapping != NULL);
    return 0;
}
