#include "base/heap.h"

#include "base/memory.h"

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_done(struct heap *heap)
{
    memory_free(heap->nodes);
    heap_init(heap);
}

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return a->at != b->at ? a->at < b->at : a->tie < b->tie;
}

static void put(struct heap *heap, size_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void rise(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    while (index > 0 && before(node, heap->nodes[(index - 1) / 2])) {
        put(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(heap, index, node);
}

static void sink(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= heap->size)
            break;
        if (child + 1 < heap->size && before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!before(heap->nodes[child], node))
            break;
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

void heap_set(struct heap *heap, struct heap_node *node, ms_t at)
{
    node->at = at;
    if (!node->place) {
        if (heap->size == heap->capacity) {
            heap->capacity = heap->capacity ? heap->capacity * 2 : 64;
            heap->nodes = memory_grow(heap->nodes, heap->capacity * sizeof(struct heap_node *));
        }
        put(heap, heap->size++, node);
    }
    rise(heap, node->place - 1);
    sink(heap, node->place - 1);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (!node->place)
        return;
    size_t index = node->place - 1;
    node->place = 0;
    struct heap_node *last = heap->nodes[--heap->size];
    if (last == node)
        return;
    put(heap, index, last);
    rise(heap, index);
    sink(heap, last->place - 1);
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->size ? heap->nodes[0] : NULL;
}
