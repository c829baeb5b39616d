/* What the program itself is, as far as a thread of ours could be in its way.
 * It leaves allocators to owner.h. */
#ifndef TIDEMARK_PROGRAM_H
#define TIDEMARK_PROGRAM_H

#include <stdbool.h>

/* Whether the program changes namespaces or capabilities and has no threads of its own. */
bool program_must_stay_single_threaded(void);

#endif
