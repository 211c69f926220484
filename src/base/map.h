/* A hash table from byte strings to pointers. Keys are borrowed: they must live in the value, or as
 * long as it. Iteration follows insertion, so that two runs of one seed agree. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/span.h"

struct map_entry {
    struct span key;
    void *value; /* NULL: a removed entry */
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* in order of insertion, with gaps where one was removed */
    uint32_t *slots;           /* 1 + index of the entry, 0 when free */
    size_t used, live, capacity, slot_count;
};

void map_init(struct map *map);
void map_done(struct map *map);
/* Replaces the value and the key of an equal key; `value` is never NULL. */
void map_set(struct map *map, struct span key, void *value);
/* NULL when absent. */
void *map_get(const struct map *map, struct span key);
/* The value taken out, NULL when absent. */
void *map_remove(struct map *map, struct span key);
/* The next value at or after *cursor (start with 0), NULL at the end. Removing while walking is
 * fine; adding is not. */
void *map_next(const struct map *map, size_t *cursor);

#endif
