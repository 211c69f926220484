/* Allocation that does not fail: running out of memory ends the process with exit status 70, which
 * recovery treats like any other death. What strangers can make us allocate is capped elsewhere. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/span.h"

enum { EXIT_NO_MEMORY = 70 };

/* Zeroed; the caller frees with memory_free. */
void *memory_make(size_t size);
void *memory_grow(void *old, size_t size);
/* A terminated copy. */
char *memory_copy(struct span text);
/* Accepts NULL. */
void memory_free(void *pointer);

#define memory_new(type) ((type *)memory_make(sizeof(type)))

#endif
