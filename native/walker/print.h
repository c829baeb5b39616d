/* Writing one result as one line of key=value pairs.
 * It leaves reading them to the collector, whose names they are (schema/columns.ts). */
#ifndef TIDEMARK_PRINT_H
#define TIDEMARK_PRINT_H

#include "walk.h"

/* False when standard output is closed. The line goes out in one piece. */
bool print_result(const struct walk_result *result);
bool print_bad_request(void);

#endif
