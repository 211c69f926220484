#include "catalog/shelf.h"

#include "base/memory.h"

#include <string.h>

void shelf_init(struct shelf *shelf)
{
    *shelf = (struct shelf){0};
    map_init(&shelf->by_key);
}

void shelf_done(struct shelf *shelf)
{
    memory_free(shelf->items);
    map_done(&shelf->by_key);
}

void *shelf_put(struct shelf *shelf, const struct node *node, unsigned group, const char *key,
                size_t size)
{
    struct reader *reader = node->reader;
    if (reader->failed)
        return NULL;
    struct shelf_item *item = map_get(&shelf->by_key, span_of(key));
    if (item && item->group == group) {
        reader_fault(node, NULL, "is \"%.128s\", which %s has already", key, item->file);
        return NULL;
    }
    if (item) {
        item->group = group;
        item->file = reader->file;
        memset(item->thing, 0, size);
        return item->thing;
    }
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity ? shelf->capacity * 2 : 32;
        shelf->items = memory_grow(shelf->items, shelf->capacity * sizeof *shelf->items);
    }
    item = arena_new(reader->arena, struct shelf_item);
    *item = (struct shelf_item){
        .key = key, .file = reader->file, .group = group, .thing = arena_make(reader->arena, size)};
    shelf->items[shelf->count++] = item;
    map_set(&shelf->by_key, span_of(key), item);
    return item->thing;
}

void *shelf_get(const struct shelf *shelf, struct span key)
{
    struct shelf_item *item = map_get(&shelf->by_key, key);
    return item ? item->thing : NULL;
}
