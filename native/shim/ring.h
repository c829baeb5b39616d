/* The ring file of this process.
 * It leaves when to write into it to thread.c, and requests to relief.c. */
#ifndef TIDEMARK_RING_H
#define TIDEMARK_RING_H

#include <stdbool.h>

#include "../preload/letter.h"
#include "allocator.h"

/* Opens the folder from the settings; negative when it cannot be used. */
int ring_open_folder(void);

/* Makes the file. False: there is none. */
bool ring_create(int folder);

/* Takes the file away again, when there will be no thread to write it. */
void ring_discard(void);

/* Says in the header who is measured, and how often; the file is valid from then on. */
void ring_introduce(const struct allocator *allocator);
void ring_set_interval(uint64_t interval_ms);

void ring_clear(struct tidemark_record *record);
void ring_write(const struct tidemark_record *record);

const struct tidemark_request *ring_request(void);
void ring_answer(const struct tidemark_answer *answer);

/* In a forked child, which has no part of the mapping. */
void ring_forget(void);

#endif
