/* Runs a fuzz target once over each file it is given: replays inputs where there is no clang.
 * It leaves finding new ones to libFuzzer; ends by abort, as the target does, at the first input that breaks it. */
#include <stdio.h>
#include <stdlib.h>

#define INPUT_BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int main(int argument_count, char **arguments) {
    for (int i = 1; i < argument_count; i++) {
        FILE *file = fopen(arguments[i], "rb");
        if (file == NULL) {
            perror(arguments[i]);
            return 2;
        }
        unsigned char *whole = malloc(INPUT_BYTES_MAX);
        size_t size = fread(whole, 1, INPUT_BYTES_MAX, file);
        fclose(file);
        unsigned char *exact = malloc(size); /* The address sanitizer sees the first byte too many. */
        for (size_t at = 0; at < size; at++) exact[at] = whole[at];
        free(whole);
        fprintf(stderr, "replaying %s\n", arguments[i]);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    printf("%d inputs\n", argument_count - 1);
    return 0;
}
