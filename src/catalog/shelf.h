/* Things of one kind by key, in order, as files bring them: within a group of files (the built-in
 * ones; the user's) a key may come once, and a later group replaces what an earlier one brought, in
 * the same place in memory, so that pointers to it stay good. Private to the room. */
#ifndef CATALOG_SHELF_H
#define CATALOG_SHELF_H

#include "base/map.h"
#include "catalog/reader.h"

struct shelf_item {
    const char *key;
    const char *file;
    unsigned group;
    void *thing;
};

struct shelf {
    struct shelf_item **items;
    size_t count, capacity;
    struct map by_key;
};

void shelf_init(struct shelf *shelf);
/* The things lie in arenas and are not touched. */
void shelf_done(struct shelf *shelf);
/* The memory of `size` bytes, zeroed, for the thing of that key, which must live as long as the
 * shelf. NULL, and a fault at `node`, when this group has the key already. */
void *shelf_put(struct shelf *shelf, const struct node *node, unsigned group, const char *key,
                size_t size);
/* NULL when absent. */
void *shelf_get(const struct shelf *shelf, struct span key);

#endif
