/* Memory that lives as long as a turn or a request and is freed at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
};

void arena_init(struct arena *arena);
/* Zeroed and aligned for any type. */
void *arena_make(struct arena *arena, size_t size);
/* A terminated copy. */
char *arena_copy(struct arena *arena, struct span text);
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Frees all but one block, which is used again. */
void arena_clear(struct arena *arena);
void arena_done(struct arena *arena);

#define arena_new(arena, type)      ((type *)arena_make((arena), sizeof(type)))
#define arena_array(arena, type, n) ((type *)arena_make((arena), (n) * sizeof(type)))

#endif
