/* Writing one result as one line of key=value pairs.
 * It leaves reading them to the collector, whose names they are (schema/columns.ts). */
#ifndef TIDEMARK_PRINT_H
#define TIDEMARK_PRINT_H

#include "walk.h"

/* False when standard output is closed. The line goes out in one piece. */
bool print_result(const struct walk_result *result);
bool print_bad_request(void);

/* One line for each arena that holds anything, by its number and without an address: where a heap lies is a secret of the
 * process. Nothing when the result has no figures. */
bool print_arenas(const struct walk_result *result);

#endif
