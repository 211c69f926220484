/* A binary heap of times: the owner embeds a heap_node and finds it again through HEAP_OWNER. Equal
 * times come out in the order of their `tie`, so that two runs of one seed agree. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    ms_t at;
    int64_t tie;
    size_t place; /* 1 + index in the heap, 0 when not in it */
};

struct heap {
    struct heap_node **nodes; /* owned array of borrowed nodes */
    size_t size, capacity;
};

#define HEAP_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_init(struct heap *heap);
void heap_done(struct heap *heap);
/* Adds the node or moves it to its new time. */
void heap_set(struct heap *heap, struct heap_node *node, ms_t at);
/* Harmless when the node is not in the heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* The earliest, still in the heap; NULL when empty. */
struct heap_node *heap_first(const struct heap *heap);

#endif
